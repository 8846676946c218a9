//! How a server may write a secret that it gives back: in an address, in JSON, in base64. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::secret::Secret;

/// What encoders of addresses leave as it is beside letters and digits, and how they write a space: HTML forms, RFC 3986,
/// and JavaScript's `encodeURIComponent`.
const ADDRESSES: [(&str, &str); 3] = [("*-._", "+"), ("-._~", "%20"), ("-_.!~*'()", "%20")];

/// What writers of JSON escape beyond what they must.
struct Writer {
    /// Written by their numbers.
    numbered: &'static str,
    /// Whether letters beyond ASCII are.
    ascii_only: bool,
    /// Whether a slash gets a backslash.
    slash: bool,
    upper: bool,
}

/// The plain way, Python's, PHP's, Go's and .NET's.
const WRITERS: [Writer; 5] = [
    Writer { numbered: "", ascii_only: false, slash: false, upper: false },
    Writer { numbered: "", ascii_only: true, slash: false, upper: false },
    Writer { numbered: "", ascii_only: true, slash: true, upper: false },
    Writer { numbered: "<>&", ascii_only: false, slash: false, upper: false },
    Writer { numbered: "\"&'+<>`", ascii_only: true, slash: false, upper: true },
];

/// The forms of a secret; one of them may be the secret itself.
pub(super) fn of(plain: &str) -> Vec<Secret> {
    let addresses = ADDRESSES
        .iter()
        .flat_map(|(kept, space)| [true, false].map(|upper| percent_encoded(plain, kept, space, upper)));
    let texts = WRITERS.iter().map(|writer| writer.escaped(plain));
    addresses.chain(texts).chain((0..3).flat_map(|before| in_base64(plain, before))).collect()
}

fn percent_encoded(plain: &str, kept: &str, space: &str, upper: bool) -> Secret {
    // Room for the longest form: a buffer that grew would leave its former self in memory.
    let mut form = String::with_capacity(plain.len() * 3);
    for byte in plain.bytes() {
        match byte {
            b' ' => form.push_str(space),
            _ if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => form.push(char::from(byte)),
            _ => {
                form.push('%');
                digits(&mut form, u16::from(byte), 2, upper);
            }
        }
    }
    Secret::new(form)
}

impl Writer {
    /// The inside of the text in JSON.
    fn escaped(&self, plain: &str) -> Secret {
        let mut form = String::with_capacity(plain.len() * 6);
        for letter in plain.chars() {
            match letter {
                _ if self.numbered.contains(letter) || self.ascii_only && !letter.is_ascii() => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        form.push_str("\\u");
                        digits(&mut form, *unit, 4, self.upper);
                    }
                }
                '"' | '\\' => form.extend(['\\', letter]),
                '/' if self.slash => form.push_str("\\/"),
                '\n' => form.push_str("\\n"),
                '\r' => form.push_str("\\r"),
                '\t' => form.push_str("\\t"),
                _ => form.push(letter),
            }
        }
        Secret::new(form)
    }
}

/// The last so many hexadecimal digits.
fn digits(form: &mut String, value: u16, number: u32, upper: bool) {
    for at in (0..number).rev() {
        let digit = char::from_digit(u32::from(value >> (4 * at)) & 15, 16).unwrap_or('0');
        form.push(if upper { digit.to_ascii_uppercase() } else { digit });
    }
}

/// What is the same in every base64 text that holds the secret behind `before` bytes and full groups of three, in the common
/// alphabet and in that for addresses.
fn in_base64(plain: &str, before: usize) -> [Secret; 2] {
    let mut bytes = Zeroizing::new(Vec::with_capacity(before + plain.len()));
    bytes.resize(before, 0);
    bytes.extend_from_slice(plain.as_bytes());
    let text = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes));
    // A letter holds six bits; those that share theirs with a neighbour of the secret are left out.
    let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    let form = text.get(from..to).unwrap_or_default();
    let other = form.chars().map(|letter| match letter {
        '+' => '-',
        '/' => '_',
        _ => letter,
    });
    let mut in_addresses = String::with_capacity(form.len());
    in_addresses.extend(other);
    [Secret::from(form), Secret::new(in_addresses)]
}

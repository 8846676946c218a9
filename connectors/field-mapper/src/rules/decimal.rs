//! Exact decimal numbers: reading, scaling, rounding, comparing. No binary fractions anywhere.

use std::cmp::Ordering;

/// A number as `mantissa / 10^places`, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i128,
    places: u32,
}

/// Which way a fraction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    HalfUp,
    HalfEven,
    Down,
    Up,
}

/// Beyond 10^38 a mantissa doesn't fit, so no exponent or number of places can be larger.
const MOST_PLACES: u32 = 38;

impl Decimal {
    /// Reads plain digits with an optional sign, fraction and exponent (`-12.50`, `1.0E7`: some CRMs write large numbers so).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.as_bytes().first()? {
            b'-' => (true, &digits[1..]),
            b'+' => (false, &digits[1..]),
            _ => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut mantissa = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
            mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
        }
        let places = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        let mantissa = if negative { -mantissa } else { mantissa };
        Self { mantissa, places: 0 }.shifted(places)
    }

    /// Moves the decimal point to the left, or to the right where `places` is negative.
    fn shifted(self, places: i64) -> Option<Self> {
        let step = u32::try_from(places.unsigned_abs()).ok().filter(|step| *step <= MOST_PLACES)?;
        if places >= 0 {
            return Some(Self { places: step, ..self });
        }
        Some(Self { mantissa: self.mantissa.checked_mul(10_i128.pow(step))?, places: 0 })
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let places = self.places + other.places;
        let product = Self { mantissa: self.mantissa.checked_mul(other.mantissa)?, places };
        Some(product.trimmed()).filter(|product| product.places <= MOST_PLACES)
    }

    /// Without zeros at the end of the fraction.
    pub(crate) fn trimmed(mut self) -> Self {
        while self.places > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.places -= 1;
        }
        self
    }

    pub(crate) fn places(self) -> u32 {
        self.places
    }

    /// At most so many decimal places.
    pub(crate) fn rounded(self, places: u32, round: Round) -> Self {
        if self.places <= places {
            return self;
        }
        let step = 10_i128.pow((self.places - places).min(MOST_PLACES));
        let (kept, rest) = (self.mantissa / step, self.mantissa % step);
        let away = match round {
            Round::Down => false,
            Round::Up => rest != 0,
            Round::HalfUp => rest.abs() >= step - rest.abs(),
            Round::HalfEven => match rest.abs().cmp(&(step - rest.abs())) {
                Ordering::Less => false,
                Ordering::Equal => kept % 2 != 0,
                Ordering::Greater => true,
            },
        };
        let kept = if away { kept + self.mantissa.signum() } else { kept };
        Self { mantissa: kept, places }
    }

    /// The whole number that this is, if it is one and fits.
    pub(crate) fn whole(self) -> Option<i64> {
        let number = self.trimmed();
        (number.places == 0).then(|| i64::try_from(number.mantissa).ok()).flatten()
    }

    /// By size, so that `1.50` and `1.5` are the same; `==` tells them apart.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let places = self.places.max(other.places);
        let level = |number: Self| number.mantissa.checked_mul(10_i128.pow(places - number.places));
        match (level(self), level(other)) {
            (Some(left), Some(right)) => left.cmp(&right),
            // Only one that is far larger than the other overflows when both get the same places, so its sign decides.
            (None, _) => self.mantissa.cmp(&0),
            (_, None) => 0.cmp(&other.mantissa),
        }
    }

    pub(crate) fn is_whole(self) -> bool {
        self.trimmed().places == 0
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self { mantissa: number.into(), places: 0 }
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = self.places as usize;
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        match fraction {
            "" => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> Option<String> {
        Decimal::parse(text).map(|number| number.to_string())
    }

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        let read = ["-12.50", "+7", ".5", "1.0E7", "15e-3", "-0.00", "007"].map(written);
        let exact = ["-12.50", "7", "0.5", "10000000", "0.015", "0.00", "7"];
        assert_eq!(read, exact.map(|text| Some(text.to_owned())));
        let wrong = ["", "-", ".", "1.2.3", "1,5", "e5", "1e99", "1e", "0x1", "١", "--1"].map(written);
        assert!(wrong.iter().all(Option::is_none), "{wrong:?}");
        assert_eq!(written(&"9".repeat(40)), None);
    }

    #[test]
    fn each_rounding_goes_its_way() {
        let rounded = |text: &str, round| Decimal::parse(text).map(|n| n.rounded(0, round).to_string());
        for (text, expected) in [
            ("2.5", ["3", "2", "2", "3"]),
            ("-2.5", ["-3", "-2", "-2", "-3"]),
            ("3.5", ["4", "4", "3", "4"]),
            ("2.4", ["2", "2", "2", "3"]),
            ("2.0", ["2", "2", "2", "2"]),
        ] {
            let all = [Round::HalfUp, Round::HalfEven, Round::Down, Round::Up];
            assert_eq!(all.map(|round| rounded(text, round)), expected.map(|n| Some(n.to_owned())), "{text}");
        }
    }

    #[test]
    fn numbers_of_any_size_compare() {
        let parse = |text: &str| Decimal::parse(text).expect("a number");
        let compared = |left, right| parse(left).compare(parse(right));
        assert_eq!(compared("1.50", "1.5"), Ordering::Equal);
        assert_eq!(compared("-1e30", "0.00000000000000000001"), Ordering::Less);
        assert_eq!(compared("1e30", "0.00000000000000000001"), Ordering::Greater);
        assert_eq!(compared("-0.00000000000000000001", "1e30"), Ordering::Less);
    }

    proptest! {
        #[test]
        fn scaling_there_and_back_changes_nothing(number in any::<i64>(), places in 0_u32..6) {
            let start = Decimal { mantissa: number.into(), places };
            let there = start.times(Decimal::from(1000)).expect("fits");
            let back = there.times(Decimal { mantissa: 1, places: 3 }).expect("fits");
            prop_assert_eq!(back.trimmed(), start.trimmed());
        }
    }
}

//! What a signature covers, and the sentence for each way in which a file is not what was signed.

use std::path::Path;

use super::guests::{Guest, manifest};
use crate::plugin::package::{self, PackageError};
use crate::plugin::shape;
use crate::plugin::signature::{self, SigningKey};

/// A square icon's first bytes.
const ICON: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10";

fn key() -> SigningKey {
    SigningKey::from_pem(&SigningKey::generate().unwrap()).unwrap()
}

/// A package with every part that there can be.
fn full(version: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("s.json", &b"{}"[..]), ("p.toml", b"# p"), ("LICENSE", b"Do as you like."), ("i.png", ICON)]
    {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let toml = format!(
        "{}\n[settings]\nschema = \"s.json\"\n[presets]\na = \"p.toml\"\n[files]\nlicense = \"LICENSE\"\nicon = \"i.png\"",
        manifest("mapper").replace("1.2.3", version)
    );
    package::pack(&Guest::default().mapper(), &toml, folder.path()).unwrap()
}

fn told(bytes: Vec<u8>) -> String {
    match package::read(bytes) {
        Ok(package) => format!("taken, signed: {}", package.signed.is_some()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_signature_names_every_part_and_is_good_for_these_bytes() {
    let (key, package) = (key(), full("1.0.0"));
    let signed = signature::sign(package.clone(), &key).unwrap();
    let read = package::read(signed.clone()).unwrap().signed.unwrap();
    assert_eq!(read.key, key.public());
    let parts: Vec<&str> = read.statement.parts.keys().map(String::as_str).collect();
    assert_eq!(parts, ["component", "icon", "license", "manifest", "preset `a`", "settings schema"]);
    assert_eq!(read.statement.whole, package::digest(&package));
    // Signing again replaces the signature and changes nothing else.
    let other = SigningKey::from_pem(&SigningKey::generate().unwrap()).unwrap();
    let again = package::read(signature::sign(signed, &other).unwrap()).unwrap().signed.unwrap();
    assert_eq!((again.key, again.statement), (other.public(), read.statement));
    assert_eq!(told(package), "taken, signed: false");
}

#[test]
fn a_part_that_was_exchanged_is_named() {
    let (key, one, two) = (key(), full("1.0.0"), full("1.0.0"));
    assert_eq!(one, two, "packing gives the same bytes each time");
    let signed = signature::sign(one.clone(), &key).unwrap();
    let tail = &signed[one.len()..];
    let with = |unsigned: Vec<u8>| told([&unsigned, tail].concat());
    let exchanged = |from: &[u8], to: &[u8]| {
        let at = one.windows(from.len()).rposition(|piece| piece == from).unwrap();
        with([&one[..at], to, &one[at + from.len()..]].concat())
    };
    let changed = |part: &str| {
        format!("the package's {part} is not the one that was signed: the file was changed after it was signed")
    };
    assert_eq!(exchanged(b"as you like", b"as i  like!"), changed("license"));
    assert_eq!(exchanged(b"For tests", b"For pests"), changed("manifest"));
    assert_eq!(exchanged(b"IHDR\0\0\0\x10\0\0\0\x10", b"IHDR\0\0\0\x11\0\0\0\x11"), changed("icon"));
    let named = full("1.0.1");
    assert_eq!(with(named), "the signature is for test 1.0.0, and this package is test 1.0.1");
    let behind = shape::with_custom_section(signed.clone(), "more", b"");
    assert_eq!(told(behind), "something was added to the package behind its signature");
    let within = shape::with_custom_section(one.clone(), "more", b"");
    assert!(with(within).contains("layout"));
    // Cut off whole, the signature is simply not there: a workspace that trusts somebody refuses that.
    assert_eq!(told(one.clone()), "taken, signed: false");
}

#[test]
fn any_byte_of_a_signed_package_that_is_changed_is_noticed() {
    let signed = signature::sign(full("1.0.0"), &key()).unwrap();
    for place in 0..signed.len() {
        for flip in [1, 0x80] {
            let mut changed = signed.clone();
            changed[place] ^= flip;
            // A section that is no longer called the signature is none.
            let taken = package::read(changed).is_ok_and(|package| package.signed.is_some());
            assert!(!taken, "byte {place}");
        }
        assert!(!package::read(signed[..place].to_vec()).is_ok_and(|it| it.signed.is_some()));
    }
}

#[test]
fn a_signature_that_was_not_made_with_its_key_is_forged() {
    let (mine, package) = (key(), full("1.0.0"));
    let signed = signature::sign(package.clone(), &key()).unwrap();
    let text = String::from_utf8(signed[package.len()..].to_vec().split_off(20)).unwrap();
    let begin = text.find("ed25519:").unwrap();
    let foreign = &text[begin..begin + 51];
    let at = signed.windows(51).position(|piece| piece == foreign.as_bytes()).unwrap();
    let mut forged = signed.clone();
    forged[at..at + 51].copy_from_slice(mine.public().to_string().as_bytes());
    assert!(told(forged).contains("was not made with the key that it names"));
}

#[test]
fn a_part_may_be_there_once_and_must_be_there_if_it_is_named() {
    let package = full("1.0.0");
    let twice = shape::with_custom_section(package.clone(), "ferry:license", b"x");
    assert_eq!(told(twice), "the package has more than one section `ferry:license`");
    let renamed = String::from_utf8_lossy(&package).find("ferry:icon").unwrap();
    let mut renamed_icon = package;
    let at = renamed_icon.windows(10).position(|piece| piece == b"ferry:icon").unwrap_or(renamed);
    renamed_icon[at] = b'F';
    assert_eq!(told(renamed_icon), "the manifest names `files.icon`, and the package does not hold it");
}

#[test]
fn an_icon_is_a_small_square_png() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{}\n[files]\nicon = \"i.png\"", manifest("mapper"));
    let oblong = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x11";
    for bad in [&b"<svg onload='x'/>"[..], oblong, &ICON[..18]] {
        std::fs::write(folder.path().join("i.png"), bad).unwrap();
        let packed = package::pack(&Guest::default().mapper(), &toml, folder.path());
        assert!(matches!(packed, Err(PackageError::Icon(_))), "{bad:?}");
    }
    let missing = package::pack(&Guest::default().mapper(), &toml, Path::new("/nonexistent"));
    assert!(matches!(missing, Err(PackageError::Referenced { .. })));
}

#[test]
fn a_key_of_openssl_signs_too_and_a_wrong_file_is_told() {
    // In the form of `openssl genpkey -algorithm ed25519`, which has no public half in it.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    assert!(SigningKey::from_pem(pem).is_ok());
    for bad in ["", "ed25519:AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(SigningKey::from_pem(bad).is_err(), "{bad}");
    }
}

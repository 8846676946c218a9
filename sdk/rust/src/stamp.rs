//! The mark that the SDK leaves in each component, so that the host can say in a sentence what does not fit.

/// Puts the custom section `ferry:sdk` into the component that the macro is used in.
#[doc(hidden)]
#[macro_export]
macro_rules! stamp {
    () => {
        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "a custom section can be made in no other way, and holds plain text")]
        #[unsafe(link_section = "ferry:sdk")]
        #[used]
        static FERRY_SDK: [u8; $crate::stamp::LENGTH] = $crate::stamp::bytes();
    };
}

/// What the section says.
pub const TEXT: &str = r#"{"sdk":"rust","version":"0.1.0","contract":"0.1.0"}"#;

pub const LENGTH: usize = TEXT.len();

pub const fn bytes() -> [u8; LENGTH] {
    match TEXT.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => [0; LENGTH],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_says_what_this_sdk_is() {
        let stamp: serde_json::Value = serde_json::from_str(TEXT).unwrap();
        let expected =
            serde_json::json!({"sdk": "rust", "version": env!("CARGO_PKG_VERSION"), "contract": crate::CONTRACT});
        assert_eq!(stamp, expected);
    }
}

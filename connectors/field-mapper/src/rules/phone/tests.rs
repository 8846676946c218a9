use proptest::prelude::*;

use super::*;

fn rule(region: Option<&str>) -> Phone {
    let names = [("deutschland", "DE"), ("vereinigtes königreich", "GB")];
    let names = names.map(|(name, code)| (Box::from(name), super::region(code).expect("a region")));
    Phone { region: region.and_then(super::region), names: Arc::new(names), drop_extension: false, check: Check::Valid }
}

fn kept(number: &str) -> Result<String, Refusal> {
    Ok(number.to_owned())
}

#[test]
fn a_number_of_the_region_gets_its_country_code() {
    let german = rule(Some("DE"));
    for number in ["0171 1234567", "+49 171 1234567", "0049 171 1234567", "(0171) 123-4567", "+49 (0) 171 1234567"] {
        assert_eq!(german.number(number, None), kept("+491711234567"), "{number}");
    }
    assert_eq!(german.number("+1 (202) 555-0123", None), kept("+12025550123"));
    assert_eq!(rule(Some("IT")).number("06 6982", None), kept("+39066982"));
}

#[test]
fn a_number_that_cannot_exist_is_refused() {
    let german = rule(Some("DE"));
    for number in
        ["123", "n/a", "0171", "+49", "+999 1234567", "++", "+1 202 555", "0171 1234567 0171 1234567", "\u{0}"]
    {
        assert_eq!(german.number(number, None), Err(Refusal::NOT_PHONE), "{number}");
    }
    assert_eq!(german.number(&"1".repeat(10_000), None), Err(Refusal::NOT_PHONE));
    assert_eq!(rule(None).number("0171 1234567", None), Err(Refusal::NoRegion));
    assert_eq!(rule(None).number("+491711234567", None), kept("+491711234567"));
}

#[test]
fn the_country_of_the_row_comes_before_the_default() {
    let german = rule(Some("DE"));
    let country = |name| Some(("country", name));
    assert_eq!(german.number("020 7946 0958", country("gb")), kept("+442079460958"));
    assert_eq!(german.number("020 7946 0958", country(" Vereinigtes Königreich ")), kept("+442079460958"));
    let unknown = Refusal::UnknownRegion { column: "country".into() };
    assert_eq!(german.number("020 7946 0958", country("Narnia")), Err(unknown));
    assert_eq!(german.number("+442079460958", country("Narnia")), kept("+442079460958"));
}

#[test]
fn every_region_with_a_numbering_plan_is_known_and_no_other() {
    let plans = PLANS.as_ref().expect("the plans");
    let mut supported: Vec<_> =
        plans.get_supported_regions().map(|region| region.as_region_str().to_string()).collect();
    supported.sort();
    assert_eq!(REGIONS.split_whitespace().collect::<Vec<_>>(), supported);
    assert!(["UK", "XX", "A ", "  ", "Z", "DEU", "ä", "C "].iter().all(|code| super::region(code).is_none()));
    assert_eq!(super::region("gb"), Some(Region::GB));
}

#[test]
fn an_extension_is_never_dropped_unasked() {
    let strict = rule(Some("US"));
    assert_eq!(strict.number("+1 202 555 0123 ext. 9", None), Err(Refusal::Extension));
    let lenient = Phone { drop_extension: true, ..strict };
    assert_eq!(lenient.number("+1 202 555 0123 ext. 9", None), kept("+12025550123"));
}

#[test]
fn the_length_alone_may_be_checked() {
    let strict = rule(Some("US"));
    assert_eq!(strict.number("+1 555 555 5555", None), Err(Refusal::NOT_PHONE));
    let lenient = Phone { check: Check::Possible, ..strict };
    assert_eq!(lenient.number("+1 555 555 5555", None), kept("+15555555555"));
    assert_eq!(lenient.number("+1 555", None), Err(Refusal::NOT_PHONE));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_number_in_e164_stays_itself(
        text in "(\\+|00)?(1|44|49|39|33|34|7|81|52|54|55|62|225|358|800)?[0-9]{4,12}",
        region in prop::sample::select(&["DE", "US", "GB", "IT", "AR", "MX", "CI", "BR"][..]),
    ) {
        if let Ok(number) = rule(Some(region)).number(&text, None) {
            for other in ["DE", "US", "AR"] {
                prop_assert_eq!(rule(Some(other)).number(&number, None), Ok(number.clone()));
            }
        }
    }

    #[test]
    fn any_text_is_a_number_or_refused(text in "\\PC{0,40}|[+0-9()/ .;=a-z-]{0,40}") {
        let _ = rule(Some("DE")).number(&text, Some(("country", &text)));
    }
}

//! Small values whose stored form is final.

use domain::*;
use uuid::Uuid;

#[test]
fn categories_keep_their_numbers_and_words() {
    let stored: Vec<(i16, &str)> = Category::ALL.iter().map(|category| (category.number(), category.as_str())).collect();
    let expected = [
        (1, "user"),
        (2, "organization"),
        (3, "api_key"),
        (4, "smtp_server"),
        (5, "email"),
        (6, "suppression"),
        (7, "erasure"),
        (8, "platform"),
        (9, "evidence"),
        (10, "hold"),
        (11, "operations"),
        (12, "processing"),
        (16, "data_access"),
    ];
    assert_eq!(stored, expected);
    assert!(Category::ALL.iter().all(|category| !category.as_str().contains('-')));
}

#[test]
fn classes_keep_their_numbers() {
    let stored: Vec<i16> = Class::ALL.iter().map(|class| class.number()).collect();
    assert_eq!(stored, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_platform_organisation_has_id_zero() {
    assert_eq!(OrganizationId::PLATFORM.0, Uuid::nil());
}

#[test]
fn a_day_is_the_utc_day_of_the_time() {
    let last = Timestamp::from_micros(86_400_000_000 - 1);
    assert_eq!((last.day(), (last + std::time::Duration::from_micros(1)).day()), (Day(0), Day(1)));
    assert_eq!(Timestamp::from_micros(-1).day(), Day(-1));
    assert_eq!(Day(20_000).to_string(), "2024-10-04");
    assert_eq!(Day(1).start().to_string(), "1970-01-02T00:00:00.000000Z");
}

#[test]
fn personal_data_shows_nothing_when_printed() {
    let personal = Personal::new(UserDetails { name: "Ada".into(), address: "ada@example.com".into() });
    assert_eq!(format!("{personal:?} {:?}", personal.expose()), "Personal(…) UserDetails(…)");
    assert_eq!(format!("{:?}", "ada@example.com".parse::<EmailAddress>().unwrap()), "EmailAddress(…)");
}

/// Row C4.5: only the sender process has the purpose that opens a mail server's secret.
#[test]
fn c4_5_an_smtp_secret_has_one_purpose() {
    assert_eq!(SmtpSecret::PURPOSES, [Purpose::SmtpAuth]);
}

/// Row M2.10: there is no purpose for advertising.
#[test]
fn m2_10_no_purpose_is_advertising() {
    let words: Vec<String> = Purpose::ALL.iter().map(|purpose| serde_json::to_string(purpose).unwrap()).collect();
    assert!(words.iter().all(|word| !word.contains("advert") && !word.contains("marketing")), "{words:?}");
}

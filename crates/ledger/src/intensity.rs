//! Grams of CO₂ equivalent that a kilowatt-hour of electricity stands for, by country.

/// The world's mean, in grams per kilowatt-hour.
pub const WORLD: f64 = 475.0;

const TABLE: &str = include_str!("../data/carbon_intensity.csv");

/// The intensity of a country by its ISO 3166-1 alpha-3 code, in grams per kilowatt-hour.
#[must_use]
pub fn of_country(code: &str) -> Option<f64> {
    countries().find(|(country, _)| country.eq_ignore_ascii_case(code)).map(|(_, grams)| grams)
}

/// Every country of the table with its intensity.
pub fn countries() -> impl Iterator<Item = (&'static str, f64)> {
    TABLE.lines().skip(1).filter_map(|line| {
        let (country, grams) = line.split_once(',')?;
        Some((country, grams.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_whole_table_is_readable() {
        assert_eq!(countries().count(), TABLE.lines().count() - 1);
        assert!(countries().all(|(code, grams)| code.len() == 3 && grams > 0.0 && grams < 1500.0));
    }

    #[test]
    fn figures_are_those_of_the_source() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../tests/golden/codecarbon.json")).unwrap();
        for (code, grams) in countries() {
            let kilograms = golden["country_kg_per_kWh"][code].as_f64().unwrap();
            assert!((grams - kilograms * 1000.0).abs() < 0.005, "{code}");
        }
        assert_eq!(of_country("fra"), Some(56.039));
        assert_eq!(of_country("XYZ"), None);
    }
}

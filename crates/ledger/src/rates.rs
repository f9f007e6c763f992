//! What energy and time cost here: carbon by country, prices, the facility's overhead.

use ropewalk_core::Settings;

use crate::intensity;

/// The constants that turn energy and time into carbon and money.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Design power of all visible processor threads, in watts, if a person gave it.
    pub processor_watts: Option<f64>,
    /// The country whose electricity is used, ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// Grams of CO₂ equivalent per kilowatt-hour.
    pub grams_per_kwh: f64,
    /// Where `grams_per_kwh` comes from, in words.
    pub intensity_origin: String,
    /// Facility energy over machine energy; at least 1.
    pub pue: f64,
    /// Price of a kilowatt-hour.
    pub price_per_kwh: f64,
    /// Price of an hour of this machine.
    pub price_per_hour: f64,
    /// The currency of both prices.
    pub currency: String,
}

impl Rates {
    /// The rates that the settings ask for. A country that the table does not have is charged the
    /// world's mean, and `intensity_origin` says so.
    #[must_use]
    pub fn from_settings(settings: &Settings) -> Self {
        let country = settings.text("country").map(str::to_uppercase);
        let given = settings.number("carbon_intensity");
        let (grams_per_kwh, intensity_origin) = match (given, &country) {
            (Some(grams), _) => (grams, "the setting carbon_intensity".to_owned()),
            (None, None) => (intensity::WORLD, "the world's mean; no country is set".to_owned()),
            (None, Some(code)) => match intensity::of_country(code) {
                Some(grams) => {
                    (grams, format!("{code}, Our World in Data and Ember by way of CodeCarbon 3.3.2"))
                }
                None => {
                    let origin = format!("the world's mean; the table has no country {code}");
                    tracing::warn!(country = code, "{origin}");
                    (intensity::WORLD, origin)
                }
            },
        };
        Self {
            processor_watts: settings.number("cpu_watts"),
            country,
            grams_per_kwh,
            intensity_origin,
            pue: settings.number("pue").unwrap_or(1.0).max(1.0),
            price_per_kwh: settings.number("price_per_kwh").unwrap_or(0.0),
            price_per_hour: settings.number("price_per_hour").unwrap_or(0.0),
            currency: settings.text("currency").unwrap_or("EUR").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]
    use super::*;

    #[test]
    fn a_figure_given_beats_a_country_beats_the_world() {
        let settings = || Settings::for_home(std::path::Path::new("/nowhere"));
        assert_eq!(Rates::from_settings(&settings()).grams_per_kwh, 475.0);
        assert_eq!(Rates::from_settings(&settings().with("country", "fra")).grams_per_kwh, 56.039);
        let both = settings().with("country", "FRA").with("carbon_intensity", "12");
        assert_eq!(Rates::from_settings(&both).grams_per_kwh, 12.0);
        let unknown = Rates::from_settings(&settings().with("country", "XXX"));
        assert_eq!(unknown.grams_per_kwh, 475.0);
        assert!(unknown.intensity_origin.contains("no country XXX"));
    }
}

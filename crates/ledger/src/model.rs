//! What an activity cost: time, energy, carbon, money.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The currency of a sum over several currencies: no exchange rate is known here, so `money` is
/// then zero and [`Summary::money`] has the amounts apart.
pub const MIXED: &str = "mixed";

/// What an activity cost. Two costs can be added; times add up too, also of activities that ran
/// side by side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Seconds from start to end.
    pub seconds: f64,
    /// Seconds of processor time, over all threads.
    pub cpu_seconds: f64,
    /// Watt-hours, the best estimate, including the facility's overhead (PUE).
    pub watt_hours: f64,
    /// The lower end of the method's band.
    pub watt_hours_low: f64,
    /// The upper end of the method's band.
    pub watt_hours_high: f64,
    /// How the energy was found: `rapl`, or `estimate: …`.
    pub method: String,
    /// Grams of CO₂ equivalent of `watt_hours`.
    pub grams_co2e: f64,
    /// Price of the energy and of the machine's time.
    pub money: f64,
    /// The currency of `money`.
    pub currency: String,
}

impl Cost {
    fn is_zero(&self) -> bool {
        self.seconds == 0.0 && self.cpu_seconds == 0.0 && self.watt_hours == 0.0 && self.money == 0.0
    }
}

impl AddAssign<&Self> for Cost {
    fn add_assign(&mut self, other: &Self) {
        if other.is_zero() {
            return;
        }
        if self.is_zero() {
            *self = other.clone();
            return;
        }
        self.seconds += other.seconds;
        self.cpu_seconds += other.cpu_seconds;
        self.watt_hours += other.watt_hours;
        self.watt_hours_low += other.watt_hours_low;
        self.watt_hours_high += other.watt_hours_high;
        self.grams_co2e += other.grams_co2e;
        if !self.method.split("; ").any(|method| method == other.method) {
            self.method = format!("{}; {}", self.method, other.method);
        }
        if self.currency == other.currency {
            self.money += other.money;
        } else {
            self.currency = MIXED.to_owned();
            self.money = 0.0;
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self += &other;
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += &other;
        self
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry {
    /// Identifier, ordered by time.
    pub id: String,
    /// When it was written, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// What the cost was for, as a journal reference such as `run:…`.
    pub subject: String,
    /// What was done, such as `train`.
    pub activity: String,
    /// What it cost.
    pub cost: Cost,
}

/// Which lines to add up; every condition given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryFilter {
    /// Only this subject.
    #[serde(default)]
    pub subject: Option<String>,
    /// Only this activity.
    #[serde(default)]
    pub activity: Option<String>,
    /// Only lines from this time on, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub since_ms: Option<i64>,
}

/// The sum of one group of lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// The activity or the subject.
    pub name: String,
    /// How many lines.
    pub entries: u64,
    /// Their sum.
    pub cost: Cost,
}

/// Sums over the ledger.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// How many lines were added up.
    pub entries: u64,
    /// The sum of all.
    pub total: Cost,
    /// The money by currency.
    pub money: BTreeMap<String, f64>,
    /// By activity, the most energy first.
    pub by_activity: Vec<Group>,
    /// By subject, the most energy first; at most 100.
    pub by_subject: Vec<Group>,
}

/// How the figures of this server are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Method {
    /// `rapl`, or the estimate's name.
    pub method: String,
    /// In words: the formula, and what the band means.
    pub explanation: String,
    /// The processor, as the system names it.
    pub processor: String,
    /// Hardware threads that the system shows.
    pub threads: u32,
    /// Watts assumed for those threads under full load, and where the figure comes from.
    pub processor_watts: f64,
    /// Where `processor_watts` comes from.
    pub processor_watts_origin: String,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Watts assumed for all of that memory.
    pub memory_watts: f64,
    /// Facility energy over machine energy.
    pub pue: f64,
    /// The country whose electricity is assumed; absent for the world's mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Grams of CO₂ equivalent per kilowatt-hour.
    pub grams_per_kwh: f64,
    /// Where `grams_per_kwh` comes from.
    pub intensity_origin: String,
    /// Price of a kilowatt-hour.
    pub price_per_kwh: f64,
    /// Price of an hour of this machine.
    pub price_per_hour: f64,
    /// The currency of both prices.
    pub currency: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]
    use super::*;
    use proptest::prelude::*;

    fn cost(money: f64, currency: &str, method: &str) -> Cost {
        Cost {
            seconds: 1.0,
            cpu_seconds: 0.5,
            watt_hours: 2.0,
            watt_hours_low: 1.0,
            watt_hours_high: 4.0,
            method: method.to_owned(),
            grams_co2e: 3.0,
            money,
            currency: currency.to_owned(),
        }
    }

    #[test]
    fn nothing_is_neutral() {
        let one = cost(1.0, "EUR", "rapl");
        assert_eq!(Cost::default() + one.clone(), one);
        assert_eq!(one.clone() + Cost::default(), one);
    }

    #[test]
    fn currencies_are_not_mixed_silently() {
        let sum = cost(1.0, "EUR", "rapl") + cost(2.0, "USD", "rapl") + cost(4.0, "EUR", "x");
        assert_eq!((sum.currency.as_str(), sum.money), (MIXED, 0.0));
        assert_eq!(sum.method, "rapl; x");
        assert_eq!(sum.watt_hours, 6.0);
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_grouping(moneys in prop::collection::vec(0.0..10.0_f64, 1..20), at in 0..20_usize) {
            let all: Vec<Cost> = moneys.iter().map(|money| cost(*money, "EUR", "rapl")).collect();
            let (left, right) = all.split_at(at.min(all.len()));
            let grouped = left.iter().cloned().sum::<Cost>() + right.iter().cloned().sum::<Cost>();
            let whole: Cost = all.iter().cloned().sum();
            prop_assert!((grouped.money - whole.money).abs() < 1e-9);
            prop_assert_eq!(grouped.method, whole.method);
        }
    }
}

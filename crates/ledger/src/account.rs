//! From a meter's reading to a cost.

use crate::machine::Machine;
use crate::meter::Reading;
use crate::model::Cost;
use crate::power;
use crate::rates::Rates;

/// The method where the processors count their energy.
pub const RAPL: &str = "rapl";
/// The method where they do not.
pub const ESTIMATE: &str = "estimate: cpu time × TDP share + RAM";

/// The formulas in words.
pub const EXPLANATION_RAPL: &str = "The processors' energy counters (RAPL), charged to this process by its share of the \
    machine's busy processor time. Low: its share of all processor time there was. High: the whole counters. Memory: its \
    own counter where there is one, else watts by module; charged by the process's share of the memory. Low: nothing. \
    High: all of it. All times PUE.";
/// The formulas in words.
pub const EXPLANATION_ESTIMATE: &str = "No energy counter can be read here, so it is estimated: processor seconds of this \
    process × watts of a hardware thread, plus watts of the machine's memory × the process's share of it. Low: half the \
    processor figure and no memory. High: twice the processor figure (a thread that has a core to itself), a tenth of the \
    processor's power for being switched on, and the whole machine's memory. All times PUE. The formulas are \
    CodeCarbon's.";

const JOULES_PER_WATT_HOUR: f64 = 3600.0;

/// A best value between two bounds, in joules.
#[derive(Debug, Clone, Copy, Default)]
struct Band {
    low: f64,
    best: f64,
    high: f64,
}

impl Band {
    fn watt_hours(self, other: Self, pue: f64) -> (f64, f64, f64) {
        let low = (self.low + other.low) * pue / JOULES_PER_WATT_HOUR;
        let best = (self.best + other.best) * pue / JOULES_PER_WATT_HOUR;
        let high = (self.high + other.high) * pue / JOULES_PER_WATT_HOUR;
        (low.min(best), best, high.max(best))
    }
}

/// The cost of what a meter read on a machine at these rates.
#[must_use]
pub fn cost(reading: &Reading, machine: &Machine, rates: &Rates) -> Cost {
    let (processor, method) = match reading.joules {
        Some(joules) => (counted(joules, reading, machine), RAPL),
        None => (estimated(reading, machine), ESTIMATE),
    };
    let whole = reading.memory_joules.unwrap_or(machine.memory_watts * reading.seconds);
    let share = machine.memory_share(reading.resident_bytes);
    let memory = Band { low: 0.0, best: whole * share, high: whole };
    let (watt_hours_low, watt_hours, watt_hours_high) = processor.watt_hours(memory, rates.pue);
    Cost {
        seconds: reading.seconds,
        cpu_seconds: reading.cpu_seconds,
        watt_hours,
        watt_hours_low,
        watt_hours_high,
        method: method.to_owned(),
        grams_co2e: watt_hours / 1000.0 * rates.grams_per_kwh,
        money: watt_hours / 1000.0 * rates.price_per_kwh + reading.seconds / 3600.0 * rates.price_per_hour,
        currency: rates.currency.clone(),
    }
}

fn counted(joules: f64, reading: &Reading, machine: &Machine) -> Band {
    let share = |of: f64| if of > 0.0 { (reading.cpu_seconds / of).min(1.0) } else { 0.0 };
    let capacity = share(reading.seconds * f64::from(machine.threads));
    let busy = reading.busy_seconds.map_or(capacity, share);
    Band { low: joules * capacity, best: joules * busy, high: joules }
}

fn estimated(reading: &Reading, machine: &Machine) -> Band {
    let best = machine.watts_per_thread * reading.cpu_seconds;
    let idle = power::IDLE_SHARE * machine.processor_watts() * reading.seconds;
    Band { low: best / 2.0, best, high: 2.0 * best + idle }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]
    use super::*;
    use proptest::prelude::*;

    fn machine() -> Machine {
        // Four unknown threads: 16 W; 16 GiB in two modules: 10 W.
        Machine::describe("unknown".into(), 4, 16 << 30, None)
    }

    fn rates() -> Rates {
        Rates {
            processor_watts: None,
            country: None,
            grams_per_kwh: 500.0,
            intensity_origin: String::new(),
            pue: 1.5,
            price_per_kwh: 0.25,
            price_per_hour: 0.10,
            currency: "EUR".into(),
        }
    }

    #[test]
    fn an_hour_of_one_thread_and_a_quarter_of_the_memory() {
        let reading =
            Reading { seconds: 3600.0, cpu_seconds: 3600.0, resident_bytes: 4 << 30, ..Reading::default() };
        let cost = cost(&reading, &machine(), &rates());
        assert!((cost.watt_hours - (4.0 + 2.5) * 1.5).abs() < 1e-12);
        assert!((cost.watt_hours_low - 2.0 * 1.5).abs() < 1e-12);
        assert!((cost.watt_hours_high - (8.0 + 1.6 + 10.0) * 1.5).abs() < 1e-12);
        assert!((cost.grams_co2e - 9.75 / 1000.0 * 500.0).abs() < 1e-12);
        assert!((cost.money - (0.00975 * 0.25 + 0.10)).abs() < 1e-12);
        assert_eq!(cost.method, ESTIMATE);
    }

    #[test]
    fn counted_energy_is_shared_by_busy_time() {
        let reading = Reading {
            seconds: 100.0,
            cpu_seconds: 50.0,
            busy_seconds: Some(200.0),
            joules: Some(3600.0),
            memory_joules: Some(360.0),
            resident_bytes: 8 << 30,
        };
        let cost = cost(&reading, &machine(), &rates());
        assert_eq!(cost.method, RAPL);
        assert!((cost.watt_hours - (0.25 + 0.05) * 1.5).abs() < 1e-12);
        assert!((cost.watt_hours_low - 0.125 * 1.5).abs() < 1e-12);
        assert!((cost.watt_hours_high - 1.1 * 1.5).abs() < 1e-12);
    }

    #[test]
    fn nothing_costs_nothing() {
        let cost = cost(&Reading::default(), &machine(), &rates());
        assert_eq!((cost.watt_hours, cost.money), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn the_band_holds_the_figure(
            seconds in 0.0..1e6_f64,
            cpu in 0.0..4.0_f64,
            busy in prop::option::of(0.0..4e6_f64),
            joules in prop::option::of(0.0..1e9_f64),
            resident in 0..32_u64 << 30,
        ) {
            let reading = Reading {
                seconds,
                cpu_seconds: seconds * cpu,
                busy_seconds: busy,
                joules,
                memory_joules: None,
                resident_bytes: resident,
            };
            let cost = cost(&reading, &machine(), &rates());
            prop_assert!(0.0 <= cost.watt_hours_low);
            prop_assert!(cost.watt_hours_low <= cost.watt_hours);
            prop_assert!(cost.watt_hours <= cost.watt_hours_high);
            prop_assert!(cost.grams_co2e.is_finite() && cost.money.is_finite());
        }
    }
}

//! A stop-watch that also reads processor time and, where the machine counts it, energy.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::machine;
use crate::rapl::{self, Joules};

/// A running measurement, of this whole process: activities that run side by side each see the
/// processor time and the energy of all of them.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    started: Instant,
    cpu_seconds: f64,
    busy_seconds: Option<f64>,
    joules: Option<Joules>,
    resident_bytes: u64,
}

/// What a meter has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Seconds since the start.
    pub seconds: f64,
    /// Processor seconds of this process, all threads together.
    pub cpu_seconds: f64,
    /// Busy seconds of the whole machine, all threads together, if the system says.
    pub busy_seconds: Option<f64>,
    /// Joules of the machine's processors, if they count them.
    pub joules: Option<f64>,
    /// Joules of the machine's memory, if it counts them.
    pub memory_joules: Option<f64>,
    /// Bytes of this process in memory: the mean of start and end.
    pub resident_bytes: u64,
}

impl Meter {
    /// Start measuring.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu_seconds: machine::process_cpu_seconds(),
            busy_seconds: machine::busy_cpu_seconds(),
            joules: rapl::read_machine(),
            resident_bytes: machine::resident_bytes(),
        }
    }

    /// What has passed since the start; the meter runs on.
    #[must_use]
    pub fn read(&self) -> Reading {
        let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?).max(0.0));
        let joules = rapl::read_machine();
        Reading {
            seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: (machine::process_cpu_seconds() - self.cpu_seconds).max(0.0),
            busy_seconds: since(self.busy_seconds, machine::busy_cpu_seconds()),
            joules: since(self.joules.map(|joules| joules.packages), joules.map(|joules| joules.packages)),
            memory_joules: since(
                self.joules.and_then(|joules| joules.memory),
                joules.and_then(|joules| joules.memory),
            ),
            resident_bytes: self.resident_bytes.midpoint(machine::resident_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_only_grows() {
        let meter = Meter::start();
        let first = meter.read();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let second = meter.read();
        assert!(second.seconds >= first.seconds + 0.005);
        assert!(second.cpu_seconds >= first.cpu_seconds);
    }
}

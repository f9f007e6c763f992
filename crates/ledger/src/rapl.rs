//! Energy counters of the processor (RAPL), as Linux shows them under `/sys/class/powercap`.
//!
//! A counter runs in microjoules and starts again from zero at `max_energy_range_uj`, on a busy
//! server after some minutes. So a background thread reads all counters at least every
//! [`SAMPLE`], and each reading adds what has passed since the one before.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How long the counters are left alone at most: shorter than the shortest known time to wrap
/// (2³² µJ, or 4,295 J, of old processors, at 300 W).
const SAMPLE: Duration = Duration::from_secs(10);
const FOLDER: &str = "/sys/class/powercap";

/// One counter with what it has counted since the program began to look.
#[derive(Debug)]
struct Zone {
    counter: PathBuf,
    range: u64,
    last: u64,
    total: u64,
}

impl Zone {
    fn open(folder: &Path) -> Option<Self> {
        let counter = folder.join("energy_uj");
        let last = read(&counter)?;
        // Without a stated range a wrap cannot be told from a fault: such a counter is not used.
        let range = read(&folder.join("max_energy_range_uj"))?;
        Some(Self { counter, range, last, total: 0 })
    }

    fn advance(&mut self) {
        if let Some(now) = read(&self.counter) {
            self.total = self.total.saturating_add(passed(self.last, now, self.range));
            self.last = now;
        }
    }
}

/// Microjoules between two readings of a counter that runs from 0 to `range` and starts again.
#[must_use]
pub fn passed(before: u64, now: u64, range: u64) -> u64 {
    if now >= before { now - before } else { range.saturating_sub(before).saturating_add(now) }
}

/// The counters of all processor packages and, where there are any, of their memory.
#[derive(Debug)]
pub struct Rapl {
    packages: Vec<Zone>,
    memory: Vec<Zone>,
}

/// Joules counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Joules {
    /// By the processor packages.
    pub packages: f64,
    /// By the memory; `None` if the machine does not count it.
    pub memory: Option<f64>,
}

impl Rapl {
    /// Open the counters below a folder; `None` if there is none that may be read.
    #[must_use]
    pub fn open(folder: &Path) -> Option<Self> {
        let mut packages = Vec::new();
        let mut memory = Vec::new();
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            // intel-rapl:0 is a package, intel-rapl:0:1 a part of it. The same counters show
            // again under intel-rapl-mmio, which would count them twice.
            let file = entry.file_name();
            if !file.to_str().is_some_and(|name| name.starts_with("intel-rapl:")) {
                continue;
            }
            let Ok(name) = std::fs::read_to_string(path.join("name")) else { continue };
            match name.trim() {
                package if package.starts_with("package") => packages.extend(Zone::open(&path)),
                "dram" => memory.extend(Zone::open(&path)),
                _ => {}
            }
        }
        (!packages.is_empty()).then_some(Self { packages, memory })
    }

    /// Read the counters.
    pub fn read(&mut self) -> Joules {
        let sum = |zones: &mut Vec<Zone>| {
            zones.iter_mut().for_each(Zone::advance);
            // Exact up to 9·10¹⁵ µJ, which is 2,500 kWh.
            #[expect(clippy::cast_precision_loss, reason = "a sum of microjoules within 2^53")]
            let joules = zones.iter().map(|zone| zone.total).sum::<u64>() as f64 / 1e6;
            joules
        };
        let packages = sum(&mut self.packages);
        let memory = (!self.memory.is_empty()).then(|| sum(&mut self.memory));
        Joules { packages, memory }
    }
}

/// The counters of this machine, read now; `None` where they cannot be read.
#[must_use]
pub fn read_machine() -> Option<Joules> {
    static MACHINE: OnceLock<Option<Mutex<Rapl>>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| {
        let rapl = Rapl::open(Path::new(FOLDER))?;
        // Without the thread a wrap could be missed, and the figure would be wrong: then there is
        // no measuring at all.
        let sample = || loop {
            std::thread::sleep(SAMPLE);
            let _ = read_machine();
        };
        std::thread::Builder::new().name("energy".to_owned()).spawn(sample).ok()?;
        Some(Mutex::new(rapl))
    });
    // A counter is whole after every step of a reading, also of one that stopped half-way.
    machine.as_ref().map(|rapl| rapl.lock().unwrap_or_else(PoisonError::into_inner).read())
}

fn read(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;
    use proptest::prelude::*;

    fn zone(folder: &Path, name: &str, title: &str, energy: u64, range: u64) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("name"), format!("{title}\n")).unwrap();
        std::fs::write(path.join("energy_uj"), format!("{energy}\n")).unwrap();
        std::fs::write(path.join("max_energy_range_uj"), format!("{range}\n")).unwrap();
        path.join("energy_uj")
    }

    #[test]
    fn counts_through_a_wrap_and_counts_each_package_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = zone(folder.path(), "intel-rapl:0", "package-0", 9_000_000, 10_000_000);
        zone(folder.path(), "intel-rapl:0:0", "core", 0, 10_000_000);
        zone(folder.path(), "intel-rapl-mmio:0", "package-0", 9_000_000, 10_000_000);
        let memory = zone(folder.path(), "intel-rapl:0:1", "dram", 0, 10_000_000);
        let mut rapl = Rapl::open(folder.path()).unwrap();
        assert_eq!(rapl.read(), Joules { packages: 0.0, memory: Some(0.0) });
        std::fs::write(&first, "500000").unwrap();
        std::fs::write(&memory, "250000").unwrap();
        assert_eq!(rapl.read(), Joules { packages: 1.5, memory: Some(0.25) });
        std::fs::write(&first, "700000").unwrap();
        assert_eq!(rapl.read().packages, 1.7);
        std::fs::remove_file(&first).unwrap();
        assert_eq!(rapl.read().packages, 1.7);
    }

    #[test]
    fn a_machine_without_counters_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Rapl::open(folder.path()).is_none());
        assert!(Rapl::open(&folder.path().join("missing")).is_none());
    }

    proptest! {
        #[test]
        fn what_passed_is_found_again(before in 0..1_000_u64, energy in 0..1_000_u64) {
            let now = (before + energy) % 1_000;
            prop_assert_eq!(passed(before, now, 1_000), energy);
        }
    }
}

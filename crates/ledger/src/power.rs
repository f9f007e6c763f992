//! From processor time and memory to watts: the formulas for machines that do not measure.
//!
//! The method is CodeCarbon's (<https://mlco2.github.io/codecarbon/methodology.html>, version
//! 3.3.2), with one difference: a process is charged its share of the processor and of the
//! memory, not the whole machine, and the whole machine becomes the upper end of a band.

/// Watts a hardware thread is charged when the processor is unknown.
pub const WATTS_PER_UNKNOWN_THREAD: f64 = 4.0;
/// Watts of one x86 memory module.
pub const WATTS_PER_MODULE: f64 = 5.0;
/// Watts below which the memory of an x86 machine is never put.
pub const LEAST_MEMORY_WATTS: f64 = 10.0;
/// Share of the design power that a processor draws without any load.
pub const IDLE_SHARE: f64 = 0.1;

/// How many memory modules a machine with so many gigabytes probably has.
#[must_use]
pub fn memory_modules(gigabytes: f64) -> u32 {
    const MOST: f64 = 32.0;
    const SIZES: [f64; 6] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
    match gigabytes {
        small if small <= 2.0 => 1,
        usual if usual <= 16.0 => 2,
        larger if larger <= 64.0 => 4,
        large if large <= 128.0 => 8,
        server => {
            // Servers fill about eight sockets, with the largest module that allows it.
            let size = SIZES.iter().rev().find(|size| **size <= server / 8.0).unwrap_or(&16.0);
            let modules = (server / size).ceil().min(MOST);
            // At most 32, so that the cast is exact.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 32")]
            let modules = modules as u32;
            modules
        }
    }
}

/// Watts of all memory of an x86 machine: full price for four modules, then ever less, since
/// memory controllers and supplies are shared.
#[must_use]
pub fn memory_watts(gigabytes: f64) -> f64 {
    const PRICES: [(u32, f64); 4] = [(4, 1.0), (8, 0.9), (16, 0.8), (32, 0.7)];
    let modules = memory_modules(gigabytes);
    let mut watts = 0.0;
    let mut from = 0;
    for (to, price) in PRICES {
        watts += f64::from(modules.min(to).saturating_sub(from)) * WATTS_PER_MODULE * price;
        from = to;
    }
    watts.max(LEAST_MEMORY_WATTS)
}

/// Watts of a whole processor of `design_watts` at `load` (0 to 1): idle share plus a part that
/// grows with the cube of the load.
#[must_use]
pub fn machine_watts(design_watts: f64, load: f64) -> f64 {
    design_watts * (IDLE_SHARE + (1.0 - IDLE_SHARE) * load.clamp(0.0, 1.0).powi(3))
}

/// A processor's thermal design power in watts and its hardware threads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// Thermal design power of one package.
    pub watts: f64,
    /// Hardware threads of one package.
    pub threads: f64,
}

/// Processors often met in clouds and under desks: part of the name, design power, threads, as
/// their makers state them.
const DESIGNS: &[(&str, f64, f64)] = &[
    ("EPYC 7B12", 240.0, 128.0),
    ("EPYC 7R13", 225.0, 96.0),
    ("EPYC 7R32", 280.0, 96.0),
    ("EPYC 7571", 200.0, 64.0),
    ("EPYC 7763", 280.0, 128.0),
    ("EPYC 9354", 280.0, 64.0),
    ("EPYC 9654", 360.0, 192.0),
    ("Xeon Platinum 8175M", 240.0, 48.0),
    ("Xeon Platinum 8259CL", 210.0, 48.0),
    ("Xeon Platinum 8370C", 270.0, 64.0),
    ("Xeon Platinum 8375C", 300.0, 64.0),
    ("Xeon Platinum 8480C", 350.0, 112.0),
    ("Xeon Gold 6248R", 205.0, 48.0),
    ("Core i7-7600U", 15.0, 4.0),
    ("Ryzen 9 5950X", 105.0, 32.0),
    ("Ryzen Threadripper 1950X", 180.0, 32.0),
];

/// The design of a processor by its name as the system gives it, trademarks and all.
#[must_use]
pub fn design(name: &str) -> Option<Design> {
    let plain = name.replace("(R)", "").replace("(TM)", "");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    DESIGNS
        .iter()
        .find(|(part, _, _)| plain.contains(part))
        .map(|(_, watts, threads)| Design { watts: *watts, threads: *threads })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn golden() -> serde_json::Value {
        serde_json::from_str(include_str!("../tests/golden/codecarbon.json")).unwrap()
    }

    #[test]
    fn memory_agrees_with_codecarbon() {
        for (gigabytes, watts) in golden()["ram_W_x86"].as_object().unwrap() {
            let ours = memory_watts(gigabytes.parse().unwrap());
            assert!((ours - watts.as_f64().unwrap()).abs() < 1e-9, "{gigabytes} GB: {ours} against {watts}");
        }
    }

    #[test]
    fn load_agrees_with_codecarbon() {
        for (percent, watts) in golden()["cpu_load_W_machine_tdp100"].as_object().unwrap() {
            let ours = machine_watts(100.0, percent.parse::<f64>().unwrap() / 100.0);
            assert!((ours - watts.as_f64().unwrap()).abs() < 1e-9, "{percent} %: {ours} against {watts}");
        }
    }

    #[test]
    fn known_processors_agree_with_codecarbon() {
        let mut known = 0;
        for (name, found) in golden()["tdp_match"].as_object().unwrap() {
            let theirs = found[1].as_f64();
            if let Some(ours) = design(name) {
                assert_eq!(Some(ours.watts), theirs, "{name}");
                known += 1;
            }
        }
        assert!(known >= 5);
        assert_eq!(design("AMD EPYC"), None);
    }
}

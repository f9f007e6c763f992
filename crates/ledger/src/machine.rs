//! What the system tells about this machine and this process.

use crate::power;

/// The machine as far as its energy is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The processor's name, as the system gives it.
    pub processor: String,
    /// Hardware threads that the system shows; at least 1.
    pub threads: u32,
    /// Watts of one of these threads under full load.
    pub watts_per_thread: f64,
    /// Where `watts_per_thread` comes from, in words.
    pub watts_origin: String,
    /// Memory, in bytes; 0 if unknown.
    pub memory_bytes: u64,
    /// Watts of all memory.
    pub memory_watts: f64,
}

impl Machine {
    /// This machine. `processor_watts` is a person's word on the design power of all threads that
    /// the system shows; without it a known processor is charged by its share of threads (a
    /// virtual machine of 2 threads on a processor of 128 gets 2/128 of its power), and an
    /// unknown one 4 W a thread.
    #[must_use]
    pub fn this(processor_watts: Option<f64>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = u32::try_from(threads).unwrap_or(u32::MAX);
        let information = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self::describe(processor_name(), threads, memory_bytes(&information), processor_watts)
    }

    /// A machine of these parts.
    #[must_use]
    pub fn describe(
        processor: String,
        threads: u32,
        memory_bytes: u64,
        processor_watts: Option<f64>,
    ) -> Self {
        let threads = threads.max(1);
        let (watts_per_thread, watts_origin) = match (processor_watts, power::design(&processor)) {
            (Some(watts), _) => (watts / f64::from(threads), "the setting cpu_watts".to_owned()),
            (None, Some(design)) => (
                design.watts / design.threads,
                format!("design power {} W over {} threads", design.watts, design.threads),
            ),
            (None, None) => (
                power::WATTS_PER_UNKNOWN_THREAD,
                format!("{} W a thread, the processor being unknown", power::WATTS_PER_UNKNOWN_THREAD),
            ),
        };
        let memory_watts = power::memory_watts(gibibytes(memory_bytes));
        Self { processor, threads, watts_per_thread, watts_origin, memory_bytes, memory_watts }
    }

    /// Watts of all visible threads under full load.
    #[must_use]
    pub fn processor_watts(&self) -> f64 {
        self.watts_per_thread * f64::from(self.threads)
    }

    /// The share of the machine's memory that so many bytes are, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn memory_share(&self, bytes: u64) -> f64 {
        if self.memory_bytes == 0 { 0.0 } else { (bytes as f64 / self.memory_bytes as f64).min(1.0) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "gigabytes for a rough formula")]
fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_073_741_824.0
}

fn processor_name() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    field(&information, "model name").unwrap_or("unknown").to_owned()
}

fn memory_bytes(information: &str) -> u64 {
    field(information, "MemTotal").and_then(kibibytes).unwrap_or(0)
}

/// Bytes of this process that are in memory now; 0 where the system does not say.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    field(&status, "VmRSS").and_then(kibibytes).unwrap_or(0)
}

fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Seconds in which this process's threads have held a processor, all threads together.
#[must_use]
pub fn process_cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that lives through the call, which only writes to it.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    if status != 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of a process's life")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

/// Seconds in which the machine's threads have been busy since it started, all together; `None`
/// where the system does not say.
#[must_use]
pub fn busy_cpu_seconds() -> Option<f64> {
    let statistics = std::fs::read_to_string("/proc/stat").ok()?;
    // SAFETY: sysconf reads a constant of the system and touches no memory of ours.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    #[expect(clippy::cast_precision_loss, reason = "ticks since the start")]
    (ticks > 0).then(|| busy_ticks(&statistics).map(|busy| busy as f64 / ticks as f64)).flatten()
}

/// user + nice + system + irq + softirq of the line `cpu`; idle, iowait and steal are not ours,
/// and guest time is in user already.
fn busy_ticks(statistics: &str) -> Option<u64> {
    let numbers: Vec<u64> = statistics
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))?
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    let at = |place: usize| numbers.get(place).copied().unwrap_or(0);
    (numbers.len() >= 4).then(|| at(0) + at(1) + at(2) + at(5) + at(6))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;

    #[test]
    fn reads_the_forms_of_linux() {
        assert_eq!(memory_bytes("MemTotal:       24684892 kB\nMemFree: 1 kB\n"), 24_684_892 * 1024);
        assert_eq!(memory_bytes("nonsense"), 0);
        assert_eq!(busy_ticks("cpu  10 1 5 1000 7 2 3 9 0 0\ncpu0 1 1 1 1\n"), Some(21));
        assert_eq!(busy_ticks("cpu x"), None);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let before = process_cpu_seconds();
        let mut sum = 0_u64;
        while process_cpu_seconds() - before < 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let machine = Machine::this(None);
        assert!(machine.threads >= 1 && machine.watts_per_thread > 0.0);
        assert!(resident_bytes() > 0 || !cfg!(target_os = "linux"));
    }

    #[test]
    fn a_virtual_machine_is_charged_its_share_of_the_processor() {
        let machine = Machine::describe("AMD EPYC 7763 64-Core Processor".into(), 2, 8 << 30, None);
        assert_eq!(machine.processor_watts(), 280.0 / 64.0);
        let told = Machine::describe("AMD EPYC 7763 64-Core Processor".into(), 2, 8 << 30, Some(30.0));
        assert_eq!(told.processor_watts(), 30.0);
        assert_eq!(Machine::describe("unknown".into(), 2, 0, None).processor_watts(), 8.0);
    }
}

//! What the figures were taken on.

use serde_json::{Value, json};

/// This machine.
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_gb: f64,
    pub(super) system: String,
    /// Average number of running programs in the last minute, before anything was measured.
    pub(super) load: f64,
}

impl Machine {
    /// Look at it.
    pub(super) fn look() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let field = |file: &str, name: &str| {
            let text = read(file);
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let kilobytes = field("/proc/meminfo", "MemTotal");
        let kilobytes: f64 =
            kilobytes.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: field("/proc/cpuinfo", "model name"),
            memory_gb: kilobytes * 1024.0 / 1e9,
            system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(f64::NAN),
        }
    }

    /// For the report.
    pub(super) fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "memory_gb": self.memory_gb,
            "system": self.system,
            "load_before": self.load,
        })
    }
}

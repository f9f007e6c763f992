//! Who drives a piece of long work — a job, a roll-out, a runbook — and is it still alive?
//!
//! The driver writes its name and a heartbeat beside what it drives. A process on this machine that is gone is known
//! at once from the process table; one elsewhere, from a heartbeat that has stopped.

use std::sync::LazyLock;

/// A heartbeat older than this, in milliseconds, belongs to a driver that is gone.
pub const STALE_MS: i64 = 30_000;

/// This process: machine, process id and start time, so that a process id used again is not mistaken for the old one.
static OWNER: LazyLock<String> = LazyLock::new(|| {
    let pid = std::process::id();
    format!("{}/{pid}/{}", machine(), start_time(pid).unwrap_or_default())
});

/// The name that this process drives under.
#[must_use]
pub fn owner() -> &'static str {
    &OWNER
}

/// Whether the driver of this name, last heard of at `heartbeat_ms`, is gone.
#[must_use]
pub fn is_gone(name: &str, heartbeat_ms: i64, now_ms: i64) -> bool {
    if name == owner() {
        return false;
    }
    let mut parts = name.split('/');
    let (Some(host), Some(pid), Some(started)) = (parts.next(), parts.next(), parts.next()) else {
        return true;
    };
    if host == machine() && !started.is_empty() {
        return pid.parse().ok().and_then(start_time).as_deref() != Some(started);
    }
    now_ms - heartbeat_ms > STALE_MS
}

/// The boot of this machine (and so the machine itself), or nothing where there is no such file.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Start time of a process in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)), the twentieth after the
/// command's closing bracket. Process ids are by namespace, so the boot id alone could mistake a process of another
/// container for ours; the start time makes that as good as impossible.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplit_once(')')?.1;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_living_process_is_not_gone() {
        assert!(!is_gone(owner(), 0, i64::MAX));
    }

    #[test]
    fn a_process_id_used_again_is_not_the_old_process() {
        let name = format!("{}/{}/1", machine(), std::process::id());
        assert!(is_gone(&name, 1000, 1001));
    }

    #[test]
    fn a_driver_elsewhere_lives_by_its_heartbeat() {
        assert!(!is_gone("elsewhere/7/9", 1000, 2000));
        assert!(is_gone("elsewhere/7/9", 1000, 1000 + STALE_MS + 1));
        assert!(is_gone("nonsense", 1000, 1000));
    }
}

//! What came in since an endpoint was last evaluated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::MonitorSettings;

/// So many intervals a few new rows wait for more.
const PATIENCE: u32 = 6;

#[derive(Debug)]
struct State {
    new: u64,
    judged: Instant,
}

/// Counts of new predictions and labels by endpoint, in this process.
#[derive(Clone, Default)]
pub(crate) struct Activity {
    states: Arc<Mutex<HashMap<String, State>>>,
}

impl Activity {
    /// Notes new predictions or labels.
    pub(crate) fn add(&self, endpoint: &str, count: u64) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(endpoint) {
            Some(state) => state.new += count,
            None => {
                states.insert(endpoint.to_owned(), State { new: count, judged: Instant::now() });
            }
        }
    }

    /// Endpoints with something new.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.iter().filter(|(_, state)| state.new > 0).map(|(name, _)| name.clone()).collect()
    }

    /// Whether an evaluation is due; if so, it counts from now.
    pub(crate) fn take_due(&self, endpoint: &str, settings: &MonitorSettings) -> bool {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = states.get_mut(endpoint) else { return false };
        let interval = Duration::from_secs_f64(settings.interval_seconds);
        let waited = state.judged.elapsed();
        let enough = state.new >= settings.min_new_rows.max(1) as u64 || waited >= interval * PATIENCE;
        let due = state.new > 0 && waited >= interval && enough;
        if due {
            *state = State { new: 0, judged: Instant::now() };
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_rows_wait_and_none_never_count() {
        let activity = Activity::default();
        let settings =
            MonitorSettings { interval_seconds: 0.1, min_new_rows: 10, ..MonitorSettings::default() };
        assert!(!activity.take_due("wine", &settings));
        activity.add("wine", 50);
        assert!(!activity.take_due("wine", &settings), "the interval has not passed");
        std::thread::sleep(Duration::from_millis(120));
        assert!(activity.take_due("wine", &settings));
        activity.add("wine", 3);
        std::thread::sleep(Duration::from_millis(120));
        assert!(!activity.take_due("wine", &settings), "three rows wait for more");
        std::thread::sleep(Duration::from_millis(520));
        assert!(activity.take_due("wine", &settings));
        assert!(!activity.take_due("wine", &settings));
        assert!(activity.endpoints().is_empty());
    }
}

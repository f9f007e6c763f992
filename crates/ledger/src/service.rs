//! The ledger's operations.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ropewalk_core::{Connection, Core, Error, Page, Paged, Reference, Result, new_id, now_ms};

use crate::account;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::model::{Cost, Group, LedgerEntry, Method, Summary, SummaryFilter};
use crate::rapl;
use crate::rates::Rates;
use crate::store::{self, Key, Sum};

/// The most lines of one page.
const MOST_LINES: u32 = 1000;

/// Turns meters into costs, and keeps them.
#[derive(Clone)]
pub struct Ledger {
    core: Core,
    machine: Arc<Machine>,
    rates: Arc<Rates>,
}

impl Ledger {
    /// The ledger of a home, at the rates of its settings, on this machine.
    #[must_use]
    pub fn new(core: Core) -> Self {
        let rates = Rates::from_settings(&core.settings);
        let machine = Machine::this(rates.processor_watts);
        Self { core, machine: Arc::new(machine), rates: Arc::new(rates) }
    }

    /// The rates in use.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// What has been spent since a meter was started.
    #[must_use]
    pub fn measure(&self, meter: impl Borrow<Meter>) -> Cost {
        account::cost(&meter.borrow().read(), &self.machine, &self.rates)
    }

    /// Write a cost down: `activity` (such as `train`) was done for `subject`.
    ///
    /// The sums of [`summary`](Self::summary) add all lines up. So an activity that consists of
    /// others which wrote their own lines (a sweep and its runs) is not written down itself.
    pub async fn record(&self, subject: &Reference, activity: &str, cost: &Cost) -> Result<LedgerEntry> {
        let entry = new_entry(subject, activity, cost)?;
        let written = entry.clone();
        self.core
            .database
            .write(move |transaction| Box::pin(async move { store::insert(transaction, &written).await }))
            .await?;
        Ok(entry)
    }

    /// The same within a transaction that does more.
    pub async fn record_in(
        &self,
        transaction: &mut Connection,
        subject: &Reference,
        activity: &str,
        cost: &Cost,
    ) -> Result<LedgerEntry> {
        let entry = new_entry(subject, activity, cost)?;
        store::insert(transaction, &entry).await?;
        Ok(entry)
    }

    /// The sums of the lines that a filter lets through.
    pub async fn summary(&self, filter: SummaryFilter) -> Result<Summary> {
        let mut connection = self.core.database.read().await?;
        let activities = store::sums(&mut connection, &filter, Key::Activity).await?;
        let subjects = store::sums(&mut connection, &filter, Key::Subject).await?;
        let mut money = BTreeMap::new();
        for sum in &activities {
            *money.entry(sum.cost.currency.clone()).or_insert(0.0) += sum.cost.money;
        }
        let by_activity = groups(activities);
        Ok(Summary {
            entries: by_activity.iter().map(|group| group.entries).sum(),
            total: by_activity.iter().map(|group| group.cost.clone()).sum(),
            money,
            by_activity,
            by_subject: groups(subjects),
        })
    }

    /// The lines, newest first.
    pub async fn entries(&self, page: Page) -> Result<Paged<LedgerEntry>> {
        let offset = page.offset()?;
        let limit = page.limit.clamp(1, MOST_LINES);
        let mut connection = self.core.database.read().await?;
        let lines = store::newest(&mut connection, offset, u64::from(limit) + 1).await?;
        Ok(Paged::cut(lines, offset, limit))
    }

    /// How the figures are made here.
    #[must_use]
    pub fn method(&self) -> Method {
        let counted = rapl::read_machine().is_some();
        let (method, explanation) = if counted {
            (account::RAPL, account::EXPLANATION_RAPL)
        } else {
            (account::ESTIMATE, account::EXPLANATION_ESTIMATE)
        };
        let (machine, rates) = (&self.machine, &self.rates);
        Method {
            method: method.to_owned(),
            explanation: explanation.to_owned(),
            processor: machine.processor.clone(),
            threads: machine.threads,
            processor_watts: machine.processor_watts(),
            processor_watts_origin: machine.watts_origin.clone(),
            memory_bytes: machine.memory_bytes,
            memory_watts: machine.memory_watts,
            pue: rates.pue,
            country: rates.country.clone(),
            grams_per_kwh: rates.grams_per_kwh,
            intensity_origin: rates.intensity_origin.clone(),
            price_per_kwh: rates.price_per_kwh,
            price_per_hour: rates.price_per_hour,
            currency: rates.currency.clone(),
        }
    }
}

fn new_entry(subject: &Reference, activity: &str, cost: &Cost) -> Result<LedgerEntry> {
    let figures = [
        cost.seconds,
        cost.cpu_seconds,
        cost.watt_hours,
        cost.watt_hours_low,
        cost.watt_hours_high,
        cost.grams_co2e,
        cost.money,
    ];
    if !figures.iter().all(|figure| figure.is_finite()) {
        return Err(Error::invalid(format!("the cost of {} is not a finite number", subject.as_str())));
    }
    if activity.is_empty() {
        return Err(Error::invalid("a cost needs the name of its activity"));
    }
    Ok(LedgerEntry {
        id: new_id(),
        time_ms: now_ms(),
        subject: subject.as_str().to_owned(),
        activity: activity.to_owned(),
        cost: cost.clone(),
    })
}

/// Fold sums that differ only in method or currency; the most energy first.
fn groups(sums: Vec<Sum>) -> Vec<Group> {
    let mut by_name: BTreeMap<String, Group> = BTreeMap::new();
    for sum in sums {
        let group =
            by_name.entry(sum.name.clone()).or_insert_with(|| Group { name: sum.name, ..Group::default() });
        group.entries += sum.entries;
        group.cost += &sum.cost;
    }
    let mut groups: Vec<Group> = by_name.into_values().collect();
    groups.sort_by(|left, right| right.cost.watt_hours.total_cmp(&left.cost.watt_hours));
    groups
}

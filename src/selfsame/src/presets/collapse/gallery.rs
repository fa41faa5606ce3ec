//! Runs entries beside their healthy twins.

use std::collections::BTreeMap;

use super::course::{course, Course};
use super::{find, Collapse, Shown};
use crate::diagnose::Alarm;
use crate::error::{Error, Result};
use crate::presets::data::{open, DataKind};

/// Runs one entry and its healthy twin; about ten seconds.
///
/// # Errors
/// [`Error::Unknown`] for a name that is none; [`Error::Interrupted`] when a stop was asked for.
pub fn run(name: &str, seed: u64) -> Result<Shown> {
    let entry = find(name)?;
    let mut shown = None;
    run_all(&[entry], seed, |one| shown = Some(one.clone()))?;
    shown.ok_or(Error::Interrupted)
}

/// Runs entries one after the other, each beside its healthy twin, which entries of one objective and the same settings share; `each` hears of every
/// one as soon as it is known. A spoilt run ends when it has been named.
///
/// # Errors
/// As [`run`].
pub fn run_all(entries: &[&Collapse], seed: u64, mut each: impl FnMut(&Shown)) -> Result<()> {
    let data = open(DataKind::Digits, "")?;
    let mut twins: BTreeMap<(&str, String), Course> = BTreeMap::new();
    for entry in entries {
        let twin = (entry.method, entry.shared());
        if !twins.contains_key(&twin) {
            twins.insert(twin.clone(), course(entry.method, entry.shared, &[], seed, &data)?);
        }
        let spoilt = course(entry.method, &entry.spoilt(), entry.kinds, seed, &data)?;
        let names = |alarm: &&Alarm| entry.kinds.contains(&alarm.kind.as_str());
        let named = spoilt.alarms.iter().find(names);
        let healthy = twins.get(&twin).cloned().unwrap_or_default();
        each(&Shown {
            name: entry.name.into(),
            method: entry.method.into(),
            change: entry.change.into(),
            shared: twin.1,
            verdict: named.or(spoilt.alarms.first()).map(|alarm| alarm.kind.clone()),
            named_correctly: named.is_some(),
            epoch: named.or(spoilt.alarms.first()).map(|alarm| alarm.epoch),
            healthy_twin_alarms: healthy.alarms.len(),
            spoilt,
            healthy,
            shows: entry.shows,
        });
    }
    Ok(())
}

//! The gallery of deliberate collapses.

use serde_json::Value;

use crate::program::call;

const KEYS: [&str; 7] =
    ["name", "method", "change", "verdict", "named_correctly", "epoch", "healthy_twin_alarms"];

fn keys(entry: &Value) -> Vec<&str> {
    entry.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_list_has_at_least_twelve_entries_of_one_form() {
    let folder = tempfile::tempdir().unwrap();
    let entries = call(folder.path(), "collapse --list --json").json_list();
    assert!(entries.len() >= 12, "{}", entries.len());
    for entry in &entries {
        assert_eq!(keys(entry), KEYS, "{entry}");
        assert!(entry["verdict"].is_string() && entry["named_correctly"].is_null(), "{entry}");
    }
    let text = call(folder.path(), "collapse --list");
    for entry in &entries {
        assert!(text.succeeds().contains(entry["name"].as_str().unwrap()), "{}", text.stdout);
    }
}

#[test]
fn an_entry_is_named_beside_its_healthy_twin_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let ended = call(folder.path(), "collapse simclr-projector-1 --json");
    let found = ended.json_list();
    let entry = &found[0];
    assert_eq!(found.len(), 1);
    assert_eq!(keys(entry), KEYS, "{entry}");
    assert_eq!(
        (&entry["verdict"], &entry["named_correctly"]),
        (&"projector-bottleneck".into(), &true.into())
    );
    assert_eq!((&entry["epoch"], &entry["healthy_twin_alarms"]), (&1.into(), &0.into()));
    assert!(
        ended.stderr.contains("healthy loss") && ended.stderr.contains("Try: --projector-dim 64"),
        "{}",
        ended.stderr
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_unknown_entry_is_refused_with_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "collapse simclr-projector-2").fails(2, &["did you mean 'simclr-projector-1'?"]);
}

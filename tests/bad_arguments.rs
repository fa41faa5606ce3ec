//! Wrong names and numbers: exit code 2 and a message that helps.

use std::fs;

use crate::program::{call, selfsame};

/// Each of `lines` must leave with code 2, say the words beside it, and start no run.
#[track_caller]
fn refused(lines: &[(&str, &[&str])]) {
    let folder = tempfile::tempdir().unwrap();
    for (line, parts) in lines {
        eprintln!("selfsame {line}");
        call(folder.path(), line).fails(2, parts);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "'{line}' left something behind");
    }
}

#[test]
fn a_slip_in_a_name_gets_a_suggestion() {
    refused(&[
        ("trian simclr digits", &["unrecognized subcommand 'trian'", "'train'"]),
        ("data lsit", &["unrecognized subcommand 'lsit'", "'list'"]),
        ("train simcrl digits", &["unknown method 'simcrl'", "did you mean 'simclr'"]),
        ("train simclr digts", &["'digts'", "did you mean 'digits'"]),
        ("train simclr minst:somewhere", &["minst", "did you mean 'mnist"]),
        ("train simclr digits --encoder convet", &["unknown encoder 'convet'", "did you mean 'convnet'"]),
        ("train simclr digits --optimizer admw", &["unknown optimizer 'admw'", "did you mean 'adamw'"]),
        ("train simclr digits --temprature 0.1", &["unexpected argument '--temprature'", "'--temperature'"]),
        ("train simclr digits --device gpu", &["'gpu'", "cpu, cuda"]),
        ("data fetch mnst", &["'mnst'", "did you mean 'mnist'"]),
        ("train byol digits --set momentun=0.5", &["unknown setting 'momentun'", "did you mean 'momentum'"]),
        ("train hybrid digits --set barlw=1", &["unknown setting 'barlw'", "did you mean 'barlow'"]),
    ]);
}

#[test]
fn a_name_that_resembles_nothing_gets_the_list() {
    refused(&[
        ("train zzzzzz digits", &["unknown method 'zzzzzz'", "simclr"]),
        ("train simclr zzzzzz", &["'zzzzzz'", "digits", "folder:DIR"]),
        ("data info zzzzzz", &["'zzzzzz'", "digits", "folder:DIR"]),
    ]);
}

#[test]
fn what_is_missing_is_named() {
    refused(&[
        ("train", &["METHOD is missing", "simclr"]),
        ("train simclr", &["DATA is missing", "digits"]),
        ("train simclr mnist", &["mnist", "mnist:DIR"]),
        ("train simclr mnist:", &["mnist:DIR"]),
        ("compare", &["<RUN>"]),
        ("eval", &["<RUN>"]),
        ("train simclr digits --lr", &["--lr", "value"]),
    ]);
}

#[test]
fn a_number_out_of_its_range_is_refused_with_the_range() {
    refused(&[
        ("train simclr digits --lr NaN", &["lr is NaN", "Expected"]),
        ("train simclr digits --lr inf", &["lr is inf", "Expected"]),
        ("train simclr digits --lr -0.1", &["lr is -0.1", "Expected"]),
        ("train simclr digits --temperature 0", &["temperature is 0", "Expected"]),
        ("train simclr digits --temperature -1", &["temperature is -1", "Expected"]),
        ("train simclr digits --temperature NaN", &["temperature is NaN", "Expected"]),
        ("train byol digits --temperature 0.5", &["temperature is 0.5", "byol has no temperature"]),
        ("train byol digits --set momentum=2", &["momentum is 2", "between 0 and 1"]),
        ("train moco-v2 digits --set queue=0", &["queue is 0", "Expected"]),
        ("train moco-v2 digits --set queue=many", &["queue is \"many\"", "whole number"]),
        ("train byol digits --set momentum", &["--set", "NAME=VALUE"]),
        ("train simclr digits --weight-decay -1", &["weight", "decay is -1", "Expected"]),
        ("train simclr digits --warmup-epochs NaN", &["warmup", "epochs is NaN", "Expected"]),
        ("train simclr digits --clip-norm 0", &["clip", "norm is 0", "Expected"]),
        ("train simclr digits --epochs 0", &["epochs is 0", "Expected"]),
        ("train simclr digits --batch-size 0", &["batch", "size is 0", "Expected"]),
        ("train simclr digits --batch-size 1", &["batch", "size is 1", "Expected"]),
        ("train simclr digits --batch-size 100000", &["batch", "size is 100000", "Expected"]),
        ("train simclr digits --accumulate 0", &["accumulate is 0", "Expected"]),
        ("train simclr digits --projector-dim 0", &["projector", "dim is 0", "Expected"]),
        ("train simclr digits --probe-every 0", &["probe", "every is 0", "Expected"]),
        ("train simclr digits --threads 0", &["--threads is 0", "Expected"]),
        ("train simclr digits --epochs 3689348814741910324", &["epochs is 3689348814741910324", "from 1 to"]),
        ("train simclr digits --projector-dim 18446744073709551615", &["projector-dim is 1844", "from 1 to"]),
        ("train simclr digits --weight-decay 4294967296", &["weight-decay is 4294967296", "0 or a number"]),
        (
            "train simclr digits --lr 5 --weight-decay 0.5",
            &["weight-decay is 0.5", "one over the learning rate"],
        ),
        ("train lejepa digits --set views=18446744073709551615", &["views is 1844", "from 2 to 64"]),
        ("train simclr digits --set temperature=1", &["--set is temperature=1", "Write --temperature 1."]),
        (
            "train moco-v2 digits --set shuffle-groups=3",
            &["shuffle-groups is 3", "a divisor of the 256 images"],
        ),
    ]);
}

#[test]
fn what_is_no_number_is_refused_in_words() {
    refused(&[
        ("train simclr digits --epochs many", &["'many'", "--epochs", "whole number"]),
        ("train simclr digits --epochs -3", &["'-3'", "--epochs", "whole number"]),
        ("train simclr digits --batch-size 2.5", &["'2.5'", "--batch-size", "whole number"]),
        ("train simclr digits --lr fast", &["'fast'", "--lr", "expected a number"]),
        ("train simclr digits --seed -1", &["'-1'", "--seed"]),
    ]);
}

#[test]
fn a_device_this_build_does_not_have_is_an_error_that_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "train simclr digits --device cuda").fails(1, &["cuda", "--features cuda"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_refused_where_text_is_needed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let odd = OsStr::from_bytes(b"odd-\xff");
    let out = selfsame(folder.path()).args(["train", "simclr", "digits", "--out"]).arg(odd).output().unwrap();
    crate::program::ended(out).fails(2, &["--out is odd-", "UTF-8"]);
    let out = selfsame(folder.path()).args(["train", "simclr"]).arg(odd).output().unwrap();
    crate::program::ended(out).fails(2, &["invalid UTF-8"]);
    let out = selfsame(folder.path()).arg("compare").arg(odd).output().unwrap();
    crate::program::ended(out).fails(1, &["odd-", "no such folder"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

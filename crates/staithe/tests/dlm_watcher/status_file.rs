//! The status file of an earlier program, read back when that is asked for.

use crate::stage::Stage;

/// The original's newer versions write one file for all watchers of a machine: what another one registered elsewhere
/// under the same name must not keep a product from being registered here.
#[test]
fn what_the_services_do_not_know_is_registered_whatever_the_status_file_says() {
    let stage = Stage::new();
    stage.write(
        "earlier.run",
        r#"[{"file_or_directory": "a.dat", "dlm_storage_name": null,
             "dlm_registration_id": "11111111-2222-4333-8444-555555555555", "time_registered": 1795226623.189871}]"#,
    );
    let words = [
        "--dlm-compat=2.0",
        "--use-status-file",
        "--reload-status-file",
        "--status-file-filename=earlier.run",
    ];
    let mut watcher = stage.start_ready(&[&words[..], &["--dir-updates-wait-time=1"]].concat());
    stage.write("a.dat", "x");
    stage.wait_answered("copy_data_item", 1);
    assert_eq!(stage.dlm.items_on(crate::stage::SOURCE).len(), 1);
    assert_eq!(watcher.terminate(), Some(0));
}

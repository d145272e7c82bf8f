//! The double of the four SKA DLM services, to try the drop-in by hand: prints the flags that lead to it, then each
//! request, until it is interrupted.

use std::time::Duration;

use testkit::dlm::Dlm;

fn main() {
    let latency = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let dlm = Dlm::builder().usual_state().latency(Duration::from_millis(latency)).start();
    println!(
        "--ingest-url {} --request-url {} --storage-url {} --migration-url {}",
        dlm.ingest().url(),
        dlm.request().url(),
        dlm.storage().url(),
        dlm.migration().url()
    );
    let mut told = 0;
    loop {
        for request in &dlm.requests()[told..] {
            println!("{} {}?{}", request.method, request.path, request.raw_query);
            told += 1;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

//! The double of the four SKA DLM services, to try the drop-in by hand: prints the flags that lead to it, then each
//! request, until it is interrupted. An argument is how many milliseconds each answer takes (10).

use std::time::Duration;

use testkit::dlm::Dlm;

fn main() {
    let latency = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 10,
        Some(Ok(latency)) => latency,
        Some(Err(_)) => {
            eprintln!(
                "usage: dlm [MILLISECONDS]: the double of the DLM services; each answer takes so long (10)"
            );
            std::process::exit(2);
        }
    };
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

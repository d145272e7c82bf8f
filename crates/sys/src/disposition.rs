//! Signals whose default action is death and that have nothing to tell us.

use std::sync::Once;

static IO: Once = Once::new();
static FILE_SIZE: Once = Once::new();

/// A writer that opens a leased file makes the kernel send SIGIO to the holder of the lease. It is
/// given back at once anyway.
pub(crate) fn ignore_lease_breaks() {
    IO.call_once(|| ignore(libc::SIGIO));
}

/// A write beyond a file-size limit makes the kernel send SIGXFSZ; ignored, the write fails with an
/// error that can be told and waited out.
pub fn ignore_file_size_limit() {
    FILE_SIZE.call_once(|| ignore(libc::SIGXFSZ));
}

fn ignore(signal: libc::c_int) {
    // SAFETY: setting a disposition to SIG_IGN installs no handler.
    #[expect(unsafe_code, reason = "there is no safe wrapper for signal dispositions")]
    unsafe {
        libc::signal(signal, libc::SIG_IGN);
    }
}

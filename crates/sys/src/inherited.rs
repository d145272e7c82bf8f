//! Descriptors that whoever started this process left open.

use std::os::fd::RawFd;

/// `CLOSE_RANGE_CLOEXEC` (Linux 5.11).
const CLOEXEC: libc::c_uint = 4;
/// The first behind standard input, output and error.
const FIRST: RawFd = 3;

/// No process that is started from here on inherits more than standard input, output and error: a daemon that kept what
/// a shell has open, perhaps with a lock, would keep it for as long as it runs. Our own are closed then anyway.
pub fn keep_from_children() {
    // SAFETY: only a flag of descriptors is set; none is closed, and no memory is handed over.
    #[expect(unsafe_code, reason = "there is no safe wrapper for many descriptors at once")]
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST as libc::c_uint, libc::c_uint::MAX, CLOEXEC) };
    if done != 0 {
        one_by_one();
    }
}

/// For older kernels.
fn one_by_one() {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = open.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number >= FIRST) {
        // SAFETY: only a flag is set; where there is no such descriptor any more, nothing happens.
        #[expect(unsafe_code, reason = "the descriptors belong to nobody here")]
        unsafe {
            libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::process::Command;

    use super::*;

    /// Whether a child has it.
    fn is_inherited(file: &std::fs::File) -> bool {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Command::new("test").args(["-e", &path]).status().unwrap().success()
    }

    #[test]
    fn children_inherit_no_more_than_the_first_three() {
        for keep in [keep_from_children, one_by_one] {
            let file = tempfile::tempfile().unwrap();
            rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
            assert!(is_inherited(&file));
            keep();
            assert!(!is_inherited(&file));
        }
    }
}

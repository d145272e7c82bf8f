//! What producers do to a tree. See `script` for the words.

/// One script as three tests, so that a failure names both the scenario and the way of noticing.
macro_rules! scenario {
    ($(#[$about:meta])* $name:ident, $script:expr) => {
        $(#[$about])*
        mod $name {
            #[test]
            fn inotify() {
                crate::run::run($script, config::Backend::Inotify);
            }

            #[test]
            fn fanotify() {
                crate::run::run($script, config::Backend::Fanotify);
            }

            #[test]
            fn poll() {
                crate::run::run($script, config::Backend::Poll);
            }
        }
    };
}

mod directories;
mod files;
mod links;
mod many;
mod names;
mod roots;

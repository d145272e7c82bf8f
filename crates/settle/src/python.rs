//! Python regular expressions, as the old directory_observer applied them.

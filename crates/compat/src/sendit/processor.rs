//! The event processors that sendit comes with.

use model::text::safe;
use model::{Happening, HappeningSet};

use super::settings::SettingsError;

/// Who is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// Queues a task for each finished folder, and logs.
    DicomCelery,
    /// Prints.
    AllEventsPrinter,
    /// A Django signal for each event.
    AllEventsSignaler,
    /// A Django signal for each name that is made.
    CreateSignaler,
    /// A Django signal for each name that was `*.part` before.
    CreateViaChunksSignaler,
}

impl Processor {
    const ALL: [(Self, &'static str); 5] = [
        (Self::DicomCelery, "DicomCelery"),
        (Self::AllEventsPrinter, "AllEventsPrinter"),
        (Self::AllEventsSignaler, "AllEventsSignaler"),
        (Self::CreateSignaler, "CreateSignaler"),
        (Self::CreateViaChunksSignaler, "CreateViaChunksSignaler"),
    ];
    /// The last name of the module that has them.
    const MODULE: &'static str = "event_processors";
    /// Where they are in the original.
    const PACKAGE: &'static str = "sendit.apps.watcher";

    /// The processor of a class's full name. Copies of the project may call it otherwise; the module and the class are
    /// what counts.
    pub fn of_class(class: &str) -> Result<Self, SettingsError> {
        let (module, name) = class.rsplit_once('.').unwrap_or(("", class));
        let is_shipped = module.rsplit('.').next() == Some(Self::MODULE);
        let found = Self::ALL.iter().find(|(_, known)| is_shipped && *known == name);
        if let Some((processor, _)) = found {
            return Ok(*processor);
        }
        let names: Vec<&str> = Self::ALL.iter().map(|(_, name)| *name).collect();
        let shown = if module.is_empty() { class } else { module };
        let why = format!(
            "nothing here runs Python, so {} cannot be asked. Known are {} of {}.{}. Fix: name one of these; for what \
             only your class does, let a plugin do it: staithe init --from sendit FILE, and docs/guide/plugin-protocol.md",
            safe(class.as_bytes()),
            names.join(", "),
            Self::PACKAGE,
            Self::MODULE
        );
        Err(SettingsError::Processor { module: safe(shown.as_bytes()), why })
    }

    /// Its full name, as the original logs it.
    #[must_use]
    pub fn class(self) -> String {
        let name = Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| *name);
        format!("{}.{}.{name}", Self::PACKAGE, Self::MODULE)
    }

    /// Which events it does something about, of those that it is told of.
    #[must_use]
    pub fn takes(self) -> HappeningSet {
        let events = HappeningSet::EMPTY.with(Happening::Create);
        match self {
            Self::DicomCelery => events
                .with(Happening::Modify)
                .with(Happening::CloseWrite)
                .with(Happening::MoveSelf)
                .with(Happening::MovedTo),
            Self::AllEventsPrinter | Self::AllEventsSignaler => {
                super::mask::happenings(super::mask::ALL_EVENTS)
            }
            Self::CreateSignaler => events,
            Self::CreateViaChunksSignaler => events.with(Happening::MovedTo),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_known_by_module_and_name() {
        for (processor, name) in Processor::ALL {
            assert_eq!(Processor::of_class(&processor.class()), Ok(processor), "{name}");
            assert_eq!(Processor::of_class(&format!("fork.watcher.event_processors.{name}")), Ok(processor));
        }
        for class in
            ["DicomCelery", "my.processors.DicomCelery", "sendit.apps.watcher.event_processors.Mine", ""]
        {
            let error = Processor::of_class(class).unwrap_err().to_string();
            assert!(error.starts_with("Cannot import event processor module: "), "{error}");
            assert!(error.contains("DicomCelery, AllEventsPrinter"), "{error}");
        }
    }
}

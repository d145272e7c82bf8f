//! Damage that is found while the ledger is in use.

use rusqlite::ErrorCode;
use rusqlite::types::Type;

/// What is damaged. Nothing of it is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("the row of event {0} does not match its sum")]
    OfRow(u64),
    #[error("the row of event {0} is missing")]
    NoRow(u64),
    #[error("the bytes of event {0} do not match their sum")]
    OfBody(u64),
    #[error("the bytes of event {0} are missing")]
    NoBody(u64),
    #[error("a step of event {0} does not match its sum")]
    OfStep(u64),
    #[error("what is followed after event {0} does not match its sum")]
    OfPursuit(u64),
    #[error("a row of table `{0}` does not match its sum")]
    OfTable(&'static str),
}

impl From<Damage> for rusqlite::Error {
    fn from(damage: Damage) -> Self {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Null, Box::new(damage))
    }
}

/// The damage that a sum or a missing row has told of.
pub(super) fn told(error: &rusqlite::Error) -> Option<&Damage> {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, inner) => inner.downcast_ref(),
        _ => None,
    }
}

/// What is damaged, in words, where an error says that something is; nothing where it may be as good as ever.
pub(super) fn text(error: &rusqlite::Error) -> Option<String> {
    use rusqlite::Error as Failed;
    if let Some(damage) = told(error) {
        return Some(damage.to_string());
    }
    let damaged = match error {
        Failed::FromSqlConversionFailure(..)
        | Failed::IntegralValueOutOfRange(..)
        | Failed::InvalidColumnType(..)
        | Failed::Utf8Error(..) => true,
        error => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    };
    damaged.then(|| error.to_string())
}

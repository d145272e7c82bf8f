//! What a data product consists of, as the SKA Data Lifecycle Management services are told of it.
//!
//! Three subjects: [`items`] goes from a path to the ordered list of items of a product, [`yaml`] turns
//! the metadata file of a product into the request body that the services expect, and [`wire`] spells the
//! requests themselves. The reference is what the original directory watcher was recorded to send;
//! `data/` keeps the recordings that the tests compare with.
//!
//! ```no_run
//! use products::items::{Reading, read};
//! use products::wire::{Dialect, Registration, register_data_item};
//!
//! let product = read("/data/watch".as_ref(), b"scan7", &Reading::default())?;
//! let top = &product.items[0];
//! let request = register_data_item(
//!     Dialect::Main,
//!     &Registration {
//!         item_name: &top.name,
//!         item_type: top.kind,
//!         storage_name: "dir-watcher",
//!         parents: None,
//!         decompressed_size: top.size,
//!         storage_access_check: true,
//!         metadata: top.metadata.as_deref(),
//!     },
//! );
//! println!("POST {}", request.target());
//! # Ok::<(), products::items::ProductError>(())
//! ```
//!
//! Trees and files are read, nothing is decided, no clock is asked and nothing is sent. What is read is
//! not trusted: sizes, depths and counts have limits, and no content may panic.

pub mod items;
pub mod json;
pub mod wire;
pub mod yaml;

//! Trees on a real file system, read into items.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use products::items::{ItemKind, Product, ProductError, Reading, Why, read};
use tempfile::TempDir;

const META: &str = "ska-data-product.yaml";
const BODY: &str = r#"{"execution_block": "eb-1"}"#;

/// A watched directory.
struct Watched(TempDir);

impl Watched {
    fn new() -> Self {
        Self(TempDir::with_prefix("products-").unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A file of that many bytes, with the directories above it.
    fn file(self, name: &str, size: usize) -> Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), vec![b'x'; size]).unwrap();
        self
    }

    fn metadata(self, directory: &str, text: &str) -> Self {
        fs::create_dir_all(self.path(directory)).unwrap();
        fs::write(self.path(directory).join(META), text).unwrap();
        self
    }

    fn link(self, target: &str, name: &str) -> Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        symlink(target, self.path(name)).unwrap();
        self
    }

    fn read(&self, name: &str) -> Product {
        read(self.root(), name.as_bytes(), &Reading::default()).unwrap()
    }

    fn read_strictly(&self, name: &str) -> Product {
        read(self.root(), name.as_bytes(), &Reading { strict: true, ..Reading::default() }).unwrap()
    }

    fn error(&self, name: &[u8]) -> ProductError {
        read(self.root(), name, &Reading::default()).unwrap_err()
    }
}

/// The items in short: `name kind size` and ` +` where there is metadata.
fn short(product: &Product) -> Vec<String> {
    let line = |item: &products::items::Item| {
        let size = item.size.map_or("-".to_owned(), |size| size.to_string());
        let metadata = if item.metadata.is_some() { " +" } else { "" };
        format!("{} {} {size}{metadata}", item.name, item.kind.as_str())
    };
    product.items.iter().map(line).collect()
}

fn left_out(product: &Product) -> Vec<(String, Why)> {
    product.left_out.iter().map(|left| (left.name.escape_ascii().to_string(), left.why)).collect()
}

#[test]
fn a_file_is_one_item_without_metadata() {
    let watched = Watched::new().file("file1.dat", 5).metadata("", "execution_block: eb-1\n");
    assert_eq!(short(&watched.read("file1.dat")), ["file1.dat file 5"]);
    assert_eq!(short(&watched.read(META)), ["ska-data-product.yaml file 22"]);
}

#[test]
fn a_directory_is_listed_after_itself_with_the_real_sizes() {
    let watched = Watched::new()
        .file("dp/top.bin", 3)
        .file("dp/sub/a.bin", 4)
        .file("dp/sub/deep/b.bin", 5)
        .file("dp/meta_sub/c.bin", 6)
        .metadata("dp", "execution_block: eb-1\n")
        .metadata("dp/meta_sub", "execution_block: eb-2\n");
    let product = watched.read("dp");
    assert_eq!(
        short(&product),
        [
            "dp container - +",
            "dp/meta_sub container - +",
            "dp/meta_sub/c.bin file 6",
            "dp/sub container -",
            "dp/sub/a.bin file 4",
            "dp/sub/deep container -",
            "dp/sub/deep/b.bin file 5",
            "dp/top.bin file 3",
        ]
    );
    assert_eq!(product.items[0].metadata.as_deref(), Some(BODY.as_bytes()));
    assert_eq!(product.items[1].metadata.as_deref(), Some(BODY.replace("eb-1", "eb-2").as_bytes()));
    assert!(product.left_out.is_empty());
}

#[test]
fn strictly_a_child_file_has_the_size_of_its_directory() {
    let watched = Watched::new().file("dp/one", 5).file("dp/sub/two", 7);
    let size = |name: &str| fs::metadata(watched.path(name)).unwrap().len();
    let (outer, inner) = (size("dp"), size("dp/sub"));
    assert_ne!((outer, inner), (5, 7));
    assert_eq!(
        short(&watched.read_strictly("dp")),
        [
            "dp container -".to_owned(),
            format!("dp/one file {outer}"),
            "dp/sub container -".to_owned(),
            format!("dp/sub/two file {inner}"),
        ]
    );
}

#[test]
fn hidden_files_and_backups_are_children_and_an_empty_directory_is_an_item() {
    let watched = Watched::new().file("dp/.hid", 1).file("dp/b~", 2);
    fs::create_dir(watched.path("empty")).unwrap();
    assert_eq!(short(&watched.read("dp")), ["dp container -", "dp/.hid file 1", "dp/b~ file 2"]);
    assert_eq!(short(&watched.read("empty/")), ["empty container -"]);
}

#[test]
fn an_ms_directory_is_opaque_and_described_from_beside_it() {
    let watched = Watched::new().file("vis.ms/table.dat", 100).file("vis.ms/SUB/table.f0", 50);
    assert_eq!(short(&watched.read("vis.ms")), ["vis.ms container 150"]);
    let watched = watched.metadata("vis.ms", "execution_block: inside\n");
    assert_eq!(short(&watched.read("vis.ms")), ["vis.ms container 174"]);
    let watched = watched.metadata("", "execution_block: eb-1\n");
    let product = watched.read("vis.ms");
    assert_eq!(short(&product), ["vis.ms container 174 +"]);
    assert_eq!(product.items[0].metadata.as_deref(), Some(BODY.as_bytes()));
}

#[test]
fn an_ms_weighs_what_links_to_files_lead_to_and_nothing_behind_links_to_directories() {
    let watched = Watched::new()
        .file("real.dat", 33)
        .file("far/big", 1000)
        .file("X.Ms/own", 7)
        .link("../real.dat", "X.Ms/near")
        .link("../far", "X.Ms/far")
        .link("nowhere", "X.Ms/gone")
        .link("X.Ms", "alias.MS");
    assert_eq!(short(&watched.read("X.Ms")), ["X.Ms container 40"]);
    assert_eq!(short(&watched.read("alias.MS")), ["alias.MS container 40"]);
}

#[test]
fn ms_children_are_opaque_even_if_they_are_files() {
    let watched = Watched::new()
        .file("dp/vis0.ms/table", 150)
        .file("dp/x.MS", 5)
        .file("dp/log.txt", 2)
        .file("plain.ms", 5)
        .metadata("dp", "execution_block: eb-1\n")
        .metadata("dp/vis0.ms", "a: 1\n");
    assert_eq!(
        short(&watched.read("dp")),
        ["dp container - +", "dp/log.txt file 2", "dp/vis0.ms container 155", "dp/x.MS container 0"]
    );
    assert_eq!(short(&watched.read("plain.ms")), ["plain.ms file 5"]);
}

#[test]
fn links_are_followed_and_keep_their_names() {
    let watched = Watched::new()
        .file("stage/one", 33)
        .metadata("stage", "execution_block: eb-1\n")
        .link("stage/one", "link.dat")
        .link("stage", "linkdir")
        .link("../stage", "dp/ld")
        .link("../stage/one", "dp/lf");
    assert_eq!(short(&watched.read("link.dat")), ["link.dat file 33"]);
    assert_eq!(short(&watched.read("linkdir")), ["linkdir container - +", "linkdir/one file 33"]);
    assert_eq!(
        short(&watched.read("dp")),
        ["dp container -", "dp/ld container - +", "dp/ld/one file 33", "dp/lf file 33"]
    );
}

#[test]
fn what_is_no_item_is_left_out_and_named() {
    let watched = Watched::new()
        .file("dp/one", 1)
        .link("nowhere", "dp/dang")
        .link("one/below", "dp/through")
        .link("self", "dp/self");
    fs::write(watched.path("dp").join(std::ffi::OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    let _socket = UnixListener::bind(watched.path("dp/sock")).unwrap();
    let product = watched.read("dp");
    assert_eq!(short(&product), ["dp container -", "dp/one file 1"]);
    assert_eq!(
        left_out(&product),
        [
            ("dp/bad\\xff".to_owned(), Why::NotUtf8),
            ("dp/dang".to_owned(), Why::DanglingLink),
            ("dp/self".to_owned(), Why::LinkLoop),
            ("dp/sock".to_owned(), Why::SpecialFile),
            ("dp/through".to_owned(), Why::DanglingLink),
        ]
    );
}

#[test]
fn strictly_what_is_no_directory_is_a_file() {
    let watched = Watched::new().link("nowhere", "dp/dang").link("nowhere", "dp/dang.ms");
    let _socket = UnixListener::bind(watched.path("dp/sock")).unwrap();
    let product = watched.read_strictly("dp");
    let around = fs::metadata(watched.path("dp")).unwrap().len();
    assert_eq!(
        short(&product),
        [
            "dp container -".to_owned(),
            format!("dp/dang file {around}"),
            "dp/dang.ms container 0".to_owned(),
            format!("dp/sock file {around}"),
        ]
    );
}

#[test]
fn a_link_loop_is_left_out_or_followed_to_the_end() {
    let watched = Watched::new().file("dp/one", 1).link("../dp", "dp/loop").link("../..", "dp/sub/up");
    let product = watched.read("dp");
    assert_eq!(short(&product), ["dp container -", "dp/one file 1", "dp/sub container -"]);
    let loops = [("dp/loop".to_owned(), Why::LinkLoop), ("dp/sub/up".to_owned(), Why::LinkLoop)];
    assert_eq!(left_out(&product), loops);

    let watched = Watched::new().file("dp/one", 1).link("../dp", "dp/loop");
    let product = watched.read_strictly("dp");
    assert_eq!(product.items.len(), 82);
    assert_eq!(left_out(&product).len(), 1);
    assert_eq!(product.items.last().unwrap().name, "dp/one");
}

#[test]
fn links_that_multiply_a_tree_meet_the_limit() {
    let mut watched = Watched::new().file("d0/f", 1);
    for level in 1..30 {
        let target = format!("../d{}", level - 1);
        watched = watched.link(&target, &format!("d{level}/a")).link(&target, &format!("d{level}/b"));
    }
    let reading = Reading { most_items: 5_000, ..Reading::default() };
    let error = read(watched.root(), b"d29", &reading).unwrap_err();
    assert!(matches!(error, ProductError::TooMany { most: 5_000, .. }), "{error}");
    let reading = Reading { most_items: 3, ..Reading::default() };
    assert_eq!(
        read(watched.root(), b"d1", &reading).unwrap_err().to_string(),
        "list d1: it has more than 3 items"
    );
}

#[test]
fn top_paths_that_are_no_products() {
    let watched = Watched::new().file("one", 1).link("nowhere", "dang").link("self", "self");
    let _socket = UnixListener::bind(watched.path("sock")).unwrap();
    assert!(matches!(watched.error(b"gone"), ProductError::Gone { .. }));
    assert!(matches!(watched.error(b"one/below"), ProductError::Gone { .. }));
    assert!(matches!(watched.error(b"dang"), ProductError::Dangling { .. }));
    assert!(matches!(watched.error(b"self"), ProductError::Dangling { .. }));
    assert!(matches!(watched.error(b"sock"), ProductError::Special { .. }));
    assert!(matches!(watched.error(b"bad\xff"), ProductError::NotUtf8 { name, .. } if name == b"bad\xff"));
    for outside in [&b""[..], b"/", b"..", b"a/../b", b"a//b", b"/etc", b"./a"] {
        assert!(matches!(watched.error(outside), ProductError::Outside { .. }), "{outside:?}");
    }
}

#[test]
fn metadata_that_is_of_no_use_names_its_place() {
    let watched =
        Watched::new().file("dp/one", 1).metadata("dp/sub", "a: 1\nb: [1,\n").metadata("list", "- 1\n");
    let ProductError::Metadata { path, source } = watched.error(b"dp") else { panic!("no metadata error") };
    assert_eq!(path, "dp/sub/ska-data-product.yaml");
    assert!(source.to_string().starts_with("read line "), "{source}");
    assert!(matches!(watched.error(b"list"), ProductError::Metadata { .. }));
    fs::create_dir_all(watched.path("odd").join(META)).unwrap();
    assert!(matches!(watched.error(b"odd"), ProductError::MetadataKind { .. }));
    // What is not there is no metadata, and no child either.
    let watched = watched.link("nowhere", "dang/ska-data-product.yaml");
    assert_eq!(short(&watched.read("dang")), ["dang container -"]);
}

#[test]
fn a_fifo_in_place_of_metadata_holds_nobody_up() {
    let watched = Watched::new().file("dp/one", 1);
    let fifo = watched.path("dp").join(META);
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(matches!(watched.error(b"dp"), ProductError::MetadataKind { .. }));
}

#[test]
fn a_tree_deeper_than_paths_can_be_ends_cleanly() {
    let watched = Watched::new();
    let chain = ["d".repeat(200).as_str(); 12].join("/");
    fs::create_dir_all(watched.path("dp").join(&chain)).unwrap();
    fs::create_dir_all(watched.path("other").join(&chain)).unwrap();
    fs::rename(watched.path("other"), watched.path("dp").join(&chain).join("other")).unwrap();
    let product = watched.read("dp");
    assert!(product.items.len() > 12, "{}", product.items.len());
    assert_eq!(product.left_out.len(), 1);
    assert_eq!(product.left_out[0].why, Why::Unreadable);

    fs::rename(watched.path("dp"), watched.path("deep.ms")).unwrap();
    let product = watched.read("deep.ms");
    assert_eq!((product.items.len(), product.left_out.len()), (1, 1));
}

#[test]
fn a_hundred_thousand_members_are_listed_in_order() {
    let watched = Watched::new();
    for directory in 0..100 {
        let directory = watched.path(&format!("dp/{directory:02}"));
        fs::create_dir_all(&directory).unwrap();
        for file in 0..1000 {
            fs::write(directory.join(format!("{file:03}")), "").unwrap();
        }
    }
    let product = watched.read("dp");
    assert_eq!(product.items.len(), 100_101);
    assert!(product.items.windows(2).all(|pair| pair[0].name < pair[1].name));
    assert!(product.items.iter().skip(1).filter(|item| item.kind == ItemKind::Container).count() == 100);
}

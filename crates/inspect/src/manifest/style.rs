//! Which form of list it is: as configured, or by the name of the file.

/// A checksum's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the algorithm of that name")]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Blake3,
}

/// What a list is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// By the file's name where it says something (`SHA256SUMS`, `x.md5`, `B3SUMS`: each line must have a
    /// sum), else each line by its shape.
    #[default]
    Auto,
    /// One path in each line, with or without a size; nothing is taken for a sum.
    List,
    /// Each line must have a sum of this algorithm.
    Sums(Hash),
}

/// What a line must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// A path.
    Path,
    /// A sum of this algorithm.
    Sum(Hash),
    /// Any sum; one of 64 digits is of this algorithm.
    SomeSum(Hash),
    /// A sum if it looks like one, else a path.
    Either,
}

/// Parts of file names that tell the algorithm, in lower case.
const NAMED: [(&[u8], Hash); 9] = [
    (b"sha512", Hash::Sha512),
    (b"sha256", Hash::Sha256),
    (b"sha1", Hash::Sha1),
    (b"md5", Hash::Md5),
    (b"blake3", Hash::Blake3),
    (b"b3sum", Hash::Blake3),
    (b".b3", Hash::Blake3),
    (b"checksum", Hash::Sha256),
    (b"hashes", Hash::Sha256),
];

impl Hash {
    /// The algorithms, as BSD names them.
    pub(super) const ALL: [(&'static [u8], Hash); 5] = [
        (b"MD5", Hash::Md5),
        (b"SHA1", Hash::Sha1),
        (b"SHA256", Hash::Sha256),
        (b"SHA512", Hash::Sha512),
        (b"BLAKE3", Hash::Blake3),
    ];

    /// The bytes of a sum.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm whose sums have so many bytes; SHA-256 rather than BLAKE3.
    pub(super) fn of_length(length: usize) -> Option<Self> {
        Self::ALL.into_iter().map(|(_, hash)| hash).find(|hash| hash.length() == length)
    }
}

impl Style {
    pub(super) fn expect(self, name: &[u8]) -> Expect {
        match self {
            Self::List => Expect::Path,
            Self::Sums(hash) => Expect::Sum(hash),
            Self::Auto => by_name(name).map_or(Expect::Either, Expect::SomeSum),
        }
    }
}

fn by_name(name: &[u8]) -> Option<Hash> {
    let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name).to_ascii_lowercase();
    let has = |part: &[u8]| last.windows(part.len()).any(|window| window == part);
    NAMED.into_iter().find(|(part, _)| has(part)).map(|(_, hash)| hash)
}

//! Numbers that were measured: from which sizes on a call goes another way. Nothing here changes a bit of a result.

/// When a call is worth several threads, and how it is cut for them.
pub mod threads {
    /// A call that touches fewer bytes of rows runs on its own thread alone.
    ///
    /// Two threads against one, call after call on a machine whose host is busy, lookups of 4.2 / 8 / 16 / 48 MB:
    /// 1.36 / 1.70 / 1.78 / 1.83; a layer, bags and normal draws of 12 MB and more 1.75 to 2.0. Waking a helper takes
    /// 5 to 20 microseconds where its processor is awake, and a millisecond where the host must first give it back:
    /// then a call on 4 MB that follows a pause ends before the helper begins (1.0), and a smaller one always would.
    pub const LEAST_BYTES: usize = 4_000_000;

    /// About as many bytes of rows in a part: what a call may have to wait for when a helper loses its processor.
    ///
    /// Between 128 KiB and 8 MiB no difference was seen (1.0, fresh and reused outputs of 6 and 48 MB), so it is
    /// one that costs a fraction of a millisecond, and still many thousand times what it costs to take it.
    pub const PART_BYTES: usize = 512 << 10;

    /// More threads than this never serve one call: the memory is busy long before.
    pub const MOST: usize = 64;
}

/// Large pages.
pub mod pages {
    /// Bytes in one on x86-64, and on ARM with pages of 4 KiB.
    ///
    /// Under a fresh result of 48 MB: 1.65 times as fast as without (the same advice and all pages written at once
    /// by the system beforehand: 1.5; that without large pages: 1.1).
    pub const LARGE: usize = 2 << 20;
}

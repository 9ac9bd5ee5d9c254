//! What the process holds in memory stays there: passwords and tokens, and people's numbers.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Whatever kills this process, the kernel writes no core file of it; and no other process of
/// the same user may read its memory, root apart.
///
/// The limit alone is not enough: a `core_pattern` that pipes into a collector (systemd's,
/// apport) is fed in spite of it. The mark that the process can't be dumped binds both.
pub(super) fn keep_memory_private() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn after_it_neither_a_file_nor_a_collector_gets_a_core() {
        keep_memory_private().expect("less is always granted");
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
        let mark = dumpable_behavior().expect("Linux tells");
        assert_eq!(mark, DumpableBehavior::NotDumpable);
    }
}

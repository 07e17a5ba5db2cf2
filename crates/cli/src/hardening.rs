//! The process keeps its memory to itself.

/// Switches core dumps off, for this process and those that it starts, and keeps other processes of
/// the user from reading its memory. Where the system refuses, nothing is lost but this.
#[cfg(unix)]
pub(crate) fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Windows has no limit that a program could set itself: whether it writes a dump of one that crashes is a setting of
/// the machine.
#[cfg(not(unix))]
pub(crate) fn keep_memory_private() {}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::*;

    #[test]
    fn no_core_file_is_written() {
        keep_memory_private();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }
}

//! How it can go wrong.

/// What happens to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendFault {
    /// It is written, and the connection breaks before the answer.
    CutAfterWriting,
    /// The connection breaks before it is written.
    CutBeforeWriting,
    /// It is written, and never answered.
    HangAfterWriting,
    /// Neither written nor answered.
    Hang,
    /// Somebody else's event comes before it.
    OvertakenByAnother,
    /// Refused as the server refuses what is too large: with a bare gRPC status.
    TooLarge { limit: usize },
    /// The node is starting, or there is an election.
    NotReady,
    /// It is written, and the server says that its commit took too long.
    CommitTimeout,
}

/// What happens to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// It ends after so many events as if there were no more.
    EndEarly {
        after: usize,
    },
    /// The connection breaks after so many events.
    Cut {
        after: usize,
    },
    /// Nothing comes.
    Hang,
    NotReady,
}

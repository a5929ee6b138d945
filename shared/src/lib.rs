//! media-sync's library: everything that two functions need, and all the thinking.

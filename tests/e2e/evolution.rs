//! A schema evolves: readers of both generations read data of both.

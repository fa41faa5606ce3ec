//! Selfsame as one dynamic library: what the cells of a session link, under the name `selfsame`.
//!
//! A cell is a library of its own. Linked the usual way, each would contain its own copy of dfdx, whose counter of tensor
//! ids then starts at 0 in every cell; two tensors from two cells share an id, and their gradients are mixed or the
//! backward pass panics. One dynamic library holds one counter, one thread pool and one of everything else that is
//! static, however many cells there are. It also makes linking a cell quick.

pub use selfsame::*;

//! Every check of a conversion, one by one.

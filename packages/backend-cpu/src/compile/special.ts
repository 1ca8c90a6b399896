/** @file Special functions in double precision, each with the source of its algorithm. */

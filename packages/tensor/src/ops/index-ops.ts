export interface IndexOps {}

export interface JoinOps {}

export interface ScatterOps {}

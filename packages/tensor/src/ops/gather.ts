export interface GatherOps {}

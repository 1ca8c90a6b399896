export interface MaskOps {}

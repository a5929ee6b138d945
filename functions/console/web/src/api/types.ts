import type { components } from './schema'

type Schemas = components['schemas']

export type Asset = Schemas['Asset']
export type WholeAsset = Schemas['WholeAsset']
export type AssetDetails = Schemas['AssetDetails']
export type Edit = Schemas['Edit']
export type Failure = Schemas['Failure']
export type SyncState = Schemas['SyncState']
export type SyncOverview = Schemas['SyncOverview']
export type SyncRequest = Schemas['SyncRequest']
export type SyncAnswer = Schemas['SyncAnswer']
export type Run = Schemas['Run']
export type Drift = Schemas['Drift']
export type Health = Schemas['Health']
export type AuditEntry = Schemas['AuditEntry']
export type Signed = Schemas['Signed']

export declare const loadsSqlite13: boolean
export declare const node20Folder: string
export declare const sqlitePath: string

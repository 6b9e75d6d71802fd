export const title = "NaturaLead"

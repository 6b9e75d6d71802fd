export const title = "Convocore"

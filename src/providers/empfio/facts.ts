export const title = "Empfio"

// A certificate is made to be printed.

document.getElementById("print").addEventListener("click", () => print());

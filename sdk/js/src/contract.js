// The version of the contract that a plugin built with this SDK speaks.

export const CONTRACT = '0.1.0';
